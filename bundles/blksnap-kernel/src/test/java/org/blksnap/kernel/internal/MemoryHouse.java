// SPDX-License-Identifier: Apache-2.0
package org.blksnap.kernel.internal;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.kernel.internal.host.PresentModule;
import org.blksnap.kernel.internal.memory.MemoryDisk;
import org.blksnap.kernel.internal.memory.MemoryHost;
import org.blksnap.kernel.internal.memory.MemoryKernel;
import org.junit.jupiter.api.Assertions;

/** A kernel in memory and engines over it, one after another. */
final class MemoryHouse implements AutoCloseable {
  static final int CAPACITY = 4 << 20;
  static final byte FILL = 0x5a;
  static final Duration PATIENCE = Duration.ofSeconds(5);
  private static final int BENEATH = 64 << 20;

  final Path directory;
  final MemoryKernel kernel = new MemoryKernel();
  final MemoryHost host;
  private final Map<Path, MemoryDisk> disks = new HashMap<>();
  PresentModule module;
  private KernelEngine engine;

  MemoryHouse() throws IOException {
    directory = Files.createTempDirectory("kernel").toRealPath();
    host = new MemoryHost(kernel, kernel.addDisk(directory.resolve("beneath"), BENEATH, (byte) 0));
    Files.createDirectory(directory.resolve("state"));
  }

  /** The present one, begun where there is none. */
  KernelEngine engine() throws BlksnapException {
    if (engine == null) {
      module =
          new PresentModule(
              kernel.find().orElseThrow(), kernel.incarnation().orElseThrow(), PATIENCE);
      engine =
          new KernelEngine(
              new EngineGround(
                  directory.resolve("state"),
                  module,
                  host,
                  () -> host,
                  () -> host,
                  List::of,
                  owner -> true));
    }
    return engine;
  }

  /** The engine goes, as at an update of its bundle or an end of the process. */
  void leave() {
    if (engine != null) {
      engine.close("the test lets it go");
      engine = null;
    }
  }

  MemoryDisk disk(String name) throws IOException {
    return disk(name, CAPACITY);
  }

  MemoryDisk disk(String name, int capacity) throws IOException {
    MemoryDisk disk = kernel.addDisk(directory.resolve(name), capacity, FILL);
    disks.put(disk.path(), disk);
    return disk;
  }

  MemoryDisk at(Path path) {
    return disks.get(path);
  }

  static byte[] filled(int length, int value) {
    byte[] bytes = new byte[length];
    Arrays.fill(bytes, (byte) value);
    return bytes;
  }

  /** Something that is refused. */
  interface Refused {
    void run() throws Exception;
  }

  static Errno errno(Refused refused) {
    return Assertions.assertThrows(BlksnapException.class, refused::run).errno();
  }

  /** What is waited for. */
  interface Condition {
    boolean holds() throws IOException;
  }

  /** Fails where it does not come in time. */
  static void until(Duration bound, String what, Condition condition) throws IOException {
    long end = System.nanoTime() + bound.toNanos();
    while (!condition.holds()) {
      if (System.nanoTime() - end > 0) {
        throw new AssertionError("waited in vain: " + what);
      }
      try {
        Thread.sleep(5);
      } catch (InterruptedException e) {
        throw new AssertionError("interrupted", e);
      }
    }
  }

  @Override
  public void close() throws IOException {
    leave();
    MemoryHost.remove(directory);
  }
}
