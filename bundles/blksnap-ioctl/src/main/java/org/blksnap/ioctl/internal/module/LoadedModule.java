// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.module;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.snapshot.Version;
import org.blksnap.ioctl.internal.layout.Layout;
import org.blksnap.ioctl.internal.layout.Seed;
import org.blksnap.spi.module.Dialect;
import org.blksnap.spi.module.EventWait;
import org.blksnap.spi.module.KernelModule;
import org.blksnap.spi.module.ModuleFeature;
import org.blksnap.spi.module.SnapshotSeed;

/**
 * What all dialects have: the control calls whose argument is the same everywhere. The control node
 * is open as long as this is, which keeps the module from being unloaded meanwhile.
 */
abstract class LoadedModule implements KernelModule {
  /** Rounds of a list that grows between the question for its length and the one for it. */
  static final int LIST_ROUNDS = 16;

  /** Added to a list's length for what comes in between. */
  static final int LIST_SLACK = 8;

  /** Longest list believed. */
  static final int LIST_MAXIMUM = 65_536;

  /**
   * Where it is and how it is called.
   *
   * @param calls of the system
   * @param look at nodes of devices
   * @param devices the tree of devices
   * @param parameters directory of the module's parameters
   */
  record Place(ModuleCalls calls, NodeLook look, Path devices, Path parameters) {}

  final Place place;
  final ModuleCalls calls;
  final Node control;
  private final Dialect dialect;
  private final CallWords words;
  private final EventCodes codes;
  private final ModuleParameters parameters;
  private final WakeSignal wake;
  private final Set<KernelEventWait> waits = ConcurrentHashMap.newKeySet();
  private volatile boolean closed;

  LoadedModule(Dialect dialect, Place place, Node control, CallWords words, EventCodes codes) {
    this.dialect = dialect;
    this.place = place;
    this.calls = place.calls();
    this.control = control;
    this.words = words;
    this.codes = codes;
    parameters = new ModuleParameters(place.parameters());
    wake = WakeSignal.find(calls);
  }

  @Override
  public final Dialect dialect() {
    return dialect;
  }

  @Override
  public final Version version() throws BlksnapException {
    Memory version = Memory.of(calls, Seed.VERSION);
    control.call("version", words.version(), version, Node.Broken.AGAIN);
    return new Version(
        (int) Seed.VERSION_MAJOR.get(version.bytes()),
        (int) Seed.VERSION_MINOR.get(version.bytes()),
        (int) Seed.VERSION_REVISION.get(version.bytes()),
        (int) Seed.VERSION_BUILD.get(version.bytes()));
  }

  @Override
  public String modification() {
    return "";
  }

  @Override
  public final void destroy(UUID snapshot) throws BlksnapException {
    withId("snapshot_destroy of " + snapshot, words.destroy(), snapshot);
  }

  @Override
  public final void take(UUID snapshot) throws BlksnapException {
    withId("snapshot_take of " + snapshot, words.take(), snapshot);
  }

  @Override
  public final List<UUID> collect() throws BlksnapException {
    List<UUID> ids = new ArrayList<>();
    ListCall call =
        new ListCall(Memory.of(calls, Seed.COLLECT), Seed.COLLECT_COUNT, Seed.COLLECT_IDS);
    for (ByteBuffer id : list("snapshot_collect", words.collect(), call, Seed.UUID.size())) {
      ids.add(Seed.UUID_B.uuid(id));
    }
    return ids;
  }

  /** EBADF of its waits once this is closed. */
  @Override
  public final EventWait events(UUID snapshot) {
    KernelEventWait wait =
        new KernelEventWait(
            calls, control, words.waitEvent(), codes, snapshot, wake, waits::remove);
    waits.add(wait);
    if (closed) {
      waits.remove(wait);
    }
    return wait;
  }

  @Override
  public final Map<String, Long> parameters() throws BlksnapException {
    mustBeOpen("parameters");
    return parameters.all();
  }

  @Override
  public final void setParameter(String name, long value) throws BlksnapException {
    mustBeOpen("parameter " + name + "=" + value);
    parameters.set(name, value);
  }

  /** IllegalArgumentException: no name of an image. */
  @Override
  public final Path imageNode(String image) {
    if (image.isEmpty() || image.startsWith(".") || image.contains("/")) {
      throw new IllegalArgumentException(
          "image '" + image + "': give the name that snapshotinfo told, which is not empty");
    }
    return place.devices().resolve(image);
  }

  /** EBADF once this is closed. */
  final void mustBeOpen(String call) throws BlksnapException {
    if (closed) {
      throw Refusal.of(call, control.path() + " (closed)", -Errno.EBADF.code());
    }
  }

  /** Ends the waits for events too. */
  @Override
  public void close() {
    closed = true;
    waits.forEach(KernelEventWait::close);
    control.close();
  }

  @Override
  public final String toString() {
    return dialect.text() + " at " + control.path();
  }

  /**
   * A call with a counted array that the module fills.
   *
   * @param argument with all but count and array filled in
   */
  record ListCall(Memory argument, Layout.Field count, Layout.Field array) {}

  /**
   * Asks how many there are, then for all, and again where more have come meanwhile. EOVERFLOW:
   * more than can be believed. EAGAIN: they never stopped coming.
   */
  final List<ByteBuffer> list(String name, long request, ListCall call, int elementSize)
      throws BlksnapException {
    ByteBuffer argument = call.argument().bytes();
    call.count().put(argument, 0);
    call.array().put(argument, 0);
    int asked = control.answer(name, request, call.argument(), Node.Broken.AGAIN);
    long count = call.count().get(argument);
    for (int round = 0; round < LIST_ROUNDS; round++) {
      if (asked < 0 && asked != -Errno.ENODATA.code()) {
        throw Refusal.of(name, control.path(), asked);
      }
      if (count > LIST_MAXIMUM) {
        throw new BlksnapException(
            Errno.EOVERFLOW,
            name
                + " on "
                + control.path()
                + ": the module tells of "
                + count
                + " entries; at most "
                + LIST_MAXIMUM
                + " are known here");
      }
      if (count == 0) {
        return List.of();
      }
      int room = (int) count + LIST_SLACK;
      Memory array = Memory.of(calls, room * elementSize);
      call.count().put(argument, room);
      call.array().put(argument, array.address());
      asked = control.answer(name, request, call.argument(), Node.Broken.AGAIN);
      array.used();
      count = call.count().get(argument);
      if (asked >= 0 && count <= room) {
        return elements(array, (int) count, elementSize);
      }
    }
    throw new BlksnapException(
        Errno.EAGAIN,
        name + " on " + control.path() + ": entries came as fast as they were asked for");
  }

  private static List<ByteBuffer> elements(Memory array, int count, int size) {
    List<ByteBuffer> elements = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      elements.add(array.element(i, size));
    }
    return elements;
  }

  /** A word of the vendor's own; empty where the module has none to say. */
  final String modification(long request, Layout struct, Layout.Field name) {
    Memory said = Memory.of(calls, struct);
    try {
      control.call("modification", request, said, Node.Broken.AGAIN);
      return name.text(said.bytes());
    } catch (BlksnapException unsaid) {
      return "";
    }
  }

  /** Refuses a seed with what the dialect cannot be told at the creation. */
  final void mustNotBeTold(SnapshotSeed seed, ModuleFeature instead) throws BlksnapException {
    boolean devices = !seed.devices().isEmpty() && instead == ModuleFeature.ADD_DEVICE;
    boolean storage =
        (seed.storage().isPresent() || seed.limitBytes() != 0)
            && instead == ModuleFeature.APPEND_STORAGE;
    if (devices || storage) {
      throw Refusal.unsupported(
          devices
              ? "snapshot_create with " + seed.devices().size() + " devices"
              : "snapshot_create with a storage file",
          dialect.text(),
          instead.text());
    }
  }

  private void withId(String name, long request, UUID snapshot) throws BlksnapException {
    Memory id = Memory.of(calls, Seed.UUID);
    Seed.UUID_B.put(id.bytes(), snapshot);
    control.call(name, request, id, Node.Broken.TOLD);
  }
}
