// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.dispatch;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import org.blksnap.ioctl.internal.layout.Layout;
import org.blksnap.ioctl.internal.layout.Seed;

/**
 * A native program as the tests write one: structs at the addresses they choose, and calls by their
 * words. One thread.
 */
final class Program {
  static final Target DISK = Target.blockDevice(8, 16, "/dev/no-such-disk");
  static final Target OTHER = Target.blockDevice(8, 32, "/dev/no-such-disk2");
  static final Target ABSENT = Target.blockDevice(8, 48, "/dev/no-such-disk3");

  /** Where structs begin, unless a test says otherwise. */
  static final int STRUCT = 0x100;

  /** Where arrays, paths and options begin. */
  static final int ARRAY = 0x2000;

  final ModelEngine engine = new ModelEngine();
  final ModelDevice disk = engine.blockDevice(8, 16, 10L * ModelEngine.BLOCK);
  final ModelDevice other = engine.blockDevice(8, 32, 3L * ModelEngine.BLOCK);
  final ProgramMemory memory = new ProgramMemory(1 << 16);
  final ArrayMemory arrays = new ArrayMemory();
  final ControlDispatcher dispatcher =
      new ControlDispatcher(engine::service, Duration.ZERO, arrays);

  static long address(int offset) {
    return ProgramMemory.BASE + offset;
  }

  int call(Target target, long word, long argument) throws CallerGone {
    return dispatcher.call(target, (int) word, argument, memory);
  }

  int control(long word, int offset) throws CallerGone {
    return call(Target.CONTROL, word, address(offset));
  }

  int control(long word) throws CallerGone {
    return control(word, STRUCT);
  }

  /** The memory from an offset on, in the order of structs. */
  ByteBuffer at(int offset) {
    return Layout.buffer(memory.bytes().duplicate().position(offset).slice());
  }

  void id(UUID id) {
    Seed.UUID_B.put(at(STRUCT), id);
  }

  UUID created() throws CallerGone {
    if (control(Seed.CREATE_CALL) != 0) {
      throw new AssertionError("no snapshot");
    }
    return Seed.UUID_B.uuid(at(STRUCT));
  }

  /** A call of ctl at {@link #STRUCT} with an option at {@link #ARRAY}. */
  int ctl(Target target, long command, long length) throws CallerGone {
    return ctl(target, Seed.FILTER_NAME, command, length, address(ARRAY));
  }

  int ctl(Target target, String name, long command, long length, long option) throws CallerGone {
    ByteBuffer ctl = at(STRUCT);
    Seed.CTL_NAME.put(ctl, name);
    Seed.CTL_CMD.put(ctl, command);
    Seed.CTL_OPTLEN.put(ctl, length);
    Seed.CTL_OPT.put(ctl, option);
    return call(target, Seed.CTL_CALL, address(STRUCT));
  }

  long writtenLength() {
    return Seed.CTL_OPTLEN.get(at(STRUCT));
  }

  int add(Target target, UUID id) throws CallerGone {
    Seed.SNAPSHOTADD_ID.put(at(ARRAY), id);
    return ctl(target, Seed.CTL_SNAPSHOTADD, Seed.SNAPSHOTADD.size());
  }

  /** Ranges as sectors, from an offset on. */
  void ranges(int offset, long... numbers) {
    for (int i = 0; i < numbers.length; i++) {
      at(offset).putLong(i * Long.BYTES, numbers[i]);
    }
  }

  /** The struct of append_storage at {@link #STRUCT}; the path lies at {@link #ARRAY}. */
  int append(UUID id, String path, long pathSize, long count, long ranges) throws CallerGone {
    ByteBuffer struct = at(STRUCT);
    Seed.APPEND_ID.put(struct, id);
    at(ARRAY).put(0, path.getBytes(StandardCharsets.UTF_8));
    Seed.APPEND_PATH.put(struct, address(ARRAY));
    Seed.APPEND_PATH_SIZE.put(struct, pathSize);
    Seed.APPEND_COUNT.put(struct, count);
    Seed.APPEND_RANGES.put(struct, ranges);
    return control(Seed.APPEND_STORAGE_CALL);
  }

  /** What every call that takes a struct is, by its size. */
  static Map<Long, Integer> structsOfControl() {
    Map<Long, Integer> sizes = new TreeMap<>();
    sizes.put(Seed.VERSION_CALL, Seed.VERSION.size());
    sizes.put(Seed.CREATE_CALL, Seed.UUID.size());
    sizes.put(Seed.DESTROY_CALL, Seed.UUID.size());
    sizes.put(Seed.APPEND_STORAGE_CALL, Seed.APPEND_STORAGE.size());
    sizes.put(Seed.TAKE_CALL, Seed.UUID.size());
    sizes.put(Seed.COLLECT_CALL, Seed.COLLECT.size());
    sizes.put(Seed.WAIT_EVENT_CALL, Seed.EVENT.size());
    return sizes;
  }
}
