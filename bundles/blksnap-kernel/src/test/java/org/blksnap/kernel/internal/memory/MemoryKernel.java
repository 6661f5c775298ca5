// SPDX-License-Identifier: Apache-2.0
package org.blksnap.kernel.internal.memory;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Errno;
import org.blksnap.api.snapshot.Parameter;
import org.blksnap.spi.module.KernelModule;
import org.blksnap.spi.module.ModuleProbe;

/**
 * A kernel with the module loaded, its disks in memory: what the interface says, errnos included.
 * It outlives each engine and each bridge, as a kernel does. The paths of its disks are real files,
 * empty ones, so that links to them and missing ones are what they are.
 *
 * <p>Monitor: everything.
 */
public final class MemoryKernel implements ModuleProbe {
  private static final int MAJOR = 259;

  private final Map<Path, MemoryDisk> disks = new LinkedHashMap<>();
  private final Map<UUID, MemorySnapshot> snapshots = new LinkedHashMap<>();
  private final Map<String, Long> parameters = new LinkedHashMap<>();
  private int nextMinor;
  private int life = 1;
  private String name = "memory";
  private int boot = 1;
  private boolean loaded = true;
  private int untilFault = -1;
  private String failing = "";
  private int bridges;

  public MemoryKernel() {
    for (Parameter parameter : Parameter.values()) {
      parameters.put(parameter.key(), parameter.defaultValue());
    }
  }

  /** A disk, its node a file of that path. */
  public synchronized MemoryDisk addDisk(Path path, int capacity, byte fill) throws IOException {
    Files.createFile(path);
    MemoryDisk disk = new MemoryDisk(path, MAJOR, nextMinor++, capacity, fill);
    disks.put(path, disk);
    return disk;
  }

  /** As its users do. */
  public synchronized void write(MemoryDisk disk, long offset, byte[] bytes) {
    disk.write(offset, bytes);
  }

  public synchronized byte[] read(MemoryDisk disk, long offset, int length) {
    return disk.read(offset, length);
  }

  public synchronized void resize(MemoryDisk disk, int capacity) {
    disk.content = java.util.Arrays.copyOf(disk.content, capacity);
  }

  /** Another medium in the same device. */
  public synchronized void change(MemoryDisk disk, String medium) {
    disk.medium = medium;
    disk.map = disk.map == null ? null : new MemoryMap(disk.content.length);
  }

  /** The map begins anew, and nobody tells why. */
  public synchronized void renewMap(MemoryDisk disk) {
    disk.map = new MemoryMap(disk.content.length);
  }

  /** As if a store of this disk's image had failed. */
  public synchronized void corrupt(MemoryDisk disk, Errno error) {
    disk.image.corrupt(error);
  }

  /** Everything in it ends. */
  public synchronized void unload() {
    snapshots.values().forEach(MemorySnapshot::end);
    snapshots.clear();
    disks.values().forEach(disk -> disk.map = null);
    loaded = false;
  }

  public synchronized void load() {
    life++;
    loaded = true;
  }

  /** Another module, or another name of this one; what it has stays. */
  public synchronized void name(String newName) {
    name = newName;
  }

  /** The host is booted. */
  public synchronized void boot() {
    unload();
    boot++;
    load();
  }

  /** Bridges that are open: each keeps the module from being unloaded. */
  public synchronized int bridges() {
    return bridges;
  }

  synchronized void opened(int change) {
    bridges += change;
  }

  /** As if another snapshot had an image of the same name by now. */
  public synchronized void replaceImage(MemoryDisk disk) {
    disk.image = new MemoryImage(disk, disk.member);
  }

  /** What a snapshot's storage has been given, bytes. */
  public synchronized long storageOf(UUID snapshot) {
    return snapshots.get(snapshot).space.capacity();
  }

  /** Events that nobody has fetched. */
  public synchronized int eventsOf(UUID snapshot) {
    return snapshots.get(snapshot).events.size();
  }

  @Override
  public synchronized Optional<KernelModule> find() {
    return loaded ? Optional.of(new MemoryModule(this)) : Optional.empty();
  }

  @Override
  public synchronized Optional<String> incarnation() {
    return loaded ? Optional.of(name + ":" + life + ":" + boot) : Optional.empty();
  }

  @Override
  public List<String> seen() {
    return List.of("memory");
  }

  /** The call after so many is refused with EIO, and was not made; below 0: none is. */
  public synchronized void failAfter(int calls) {
    untilFault = calls;
  }

  /** True where the call was reached. */
  public synchronized boolean hasFailed() {
    return untilFault < 0;
  }

  /** The next call of this name is refused with EIO. */
  public synchronized void failNext(String call) {
    failing = call;
  }

  synchronized void fault(String call) throws BlksnapException {
    if (call.equals(failing)) {
      failing = "";
      throw new BlksnapException(Errno.EIO, "a call of " + call + " that fails");
    }
  }

  synchronized void fault() throws BlksnapException {
    if (untilFault >= 0 && untilFault-- == 0) {
      throw new BlksnapException(Errno.EIO, "a call that fails");
    }
  }

  /** As an administrator sets it. */
  public synchronized void parameter(String name, long value) {
    parameters.put(name, value);
  }

  /** A module without this one. */
  public synchronized void lack(String name) {
    parameters.remove(name);
  }

  synchronized Map<String, Long> parameters() {
    return parameters;
  }

  MemoryDisk disk(Path path) throws BlksnapException {
    return findDisk(path)
        .orElseThrow(() -> new BlksnapException(Errno.ENOENT, path + ": no such device"));
  }

  synchronized Optional<MemoryDisk> findDisk(Path path) {
    try {
      return Optional.ofNullable(disks.get(path.toRealPath()));
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  synchronized Optional<MemoryDisk> findDisk(String number) {
    return disks.values().stream().filter(disk -> disk.number().equals(number)).findFirst();
  }

  synchronized Optional<MemoryImage> findImage(Path node) {
    String name = node.getFileName().toString();
    return disks.values().stream()
        .map(disk -> disk.image)
        .filter(image -> image != null && image.name.equals(name))
        .findFirst();
  }

  Map<UUID, MemorySnapshot> snapshots() {
    return snapshots;
  }

  MemorySnapshot snapshot(UUID id, Errno unknown) throws BlksnapException {
    MemorySnapshot found = snapshots.get(id);
    if (found == null) {
      throw new BlksnapException(unknown, "no snapshot " + id);
    }
    return found;
  }

  MemorySnapshot newSnapshot() {
    MemorySnapshot made =
        new MemorySnapshot(
            this, () -> parameters.get(Parameter.DIFF_STORAGE_MINIMUM.key()) * ByteRange.SECTOR);
    snapshots.put(made.id, made);
    return made;
  }
}
