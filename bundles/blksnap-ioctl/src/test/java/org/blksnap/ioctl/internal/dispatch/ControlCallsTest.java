// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.dispatch;

import static org.blksnap.ioctl.internal.dispatch.Program.ARRAY;
import static org.blksnap.ioctl.internal.dispatch.Program.DISK;
import static org.blksnap.ioctl.internal.dispatch.Program.STRUCT;
import static org.blksnap.ioctl.internal.dispatch.Program.address;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.UUID;
import org.blksnap.api.block.Errno;
import org.blksnap.ioctl.internal.layout.Seed;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ControlCallsTest {
  private final Program program = new Program();

  @Test
  void theVersionIsEightBytes() throws IOException {
    program.at(STRUCT).putLong(8, -1);
    assertEquals(0, program.control(Seed.VERSION_CALL));
    assertArrayEquals(new byte[] {2, 0, 0, 0, 0, 0, 0, 0}, bytes(STRUCT, 8));
    assertEquals(-1, program.at(STRUCT).getLong(8));
  }

  @Test
  void onlyTheNumberOfACallCounts() throws IOException {
    assertEquals(0, program.control(0x5600));
    assertEquals(0, program.control(0xffffff00L));
    for (int number = 7; number < 256; number++) {
      assertEquals(Errno.ENOTTY.code(), program.control(0x40085600L + number));
    }
  }

  @Test
  void aStructThatIsNotThereIsAFaultAndChangesNothing() throws IOException {
    UUID id = program.created();
    String before = program.engine.state();
    for (var call : Program.structsOfControl().entrySet()) {
      for (long bad :
          new long[] {0, -1, -65536, 0x10000, program.memory.end() - call.getValue() + 1}) {
        long begin = bad - ProgramMemory.BASE;
        if (begin > 0 && begin < (1 << 16) - 16) {
          Seed.UUID_B.put(program.at((int) begin), id);
        }
        assertEquals(
            Errno.EFAULT.code(),
            program.call(Target.CONTROL, call.getKey(), bad),
            Long.toHexString(call.getKey()) + " at " + Long.toHexString(bad));
      }
    }
    assertEquals(before, program.engine.state());
  }

  @Test
  void aSnapshotWhoseIdCannotBeToldIsNotMade() throws IOException {
    program.memory.readOnly(STRUCT + 8);
    assertEquals(Errno.EFAULT.code(), program.control(Seed.CREATE_CALL));
    assertTrue(program.engine.snapshots.isEmpty());
  }

  @Test
  void aSnapshotWhoseProgramDiesIsNotLeft() {
    program.memory.goneAfter(1);
    assertThrows(CallerGone.class, () -> program.control(Seed.CREATE_CALL));
    assertTrue(program.engine.snapshots.isEmpty());
  }

  @Test
  void anUnknownSnapshotIsToldAsEachCallDoes() throws IOException {
    program.id(UUID.randomUUID());
    assertEquals(Errno.ENODEV.code(), program.control(Seed.DESTROY_CALL));
    assertEquals(Errno.ESRCH.code(), program.control(Seed.TAKE_CALL));
    assertEquals(Errno.ESRCH.code(), program.control(Seed.APPEND_STORAGE_CALL));
    assertEquals(Errno.ESRCH.code(), program.control(Seed.WAIT_EVENT_CALL));
  }

  @Test
  void aTakeIsRefusedAsTheInterfaceSays(@TempDir Path directory) throws IOException {
    UUID id = program.created();
    assertEquals(Errno.ENODEV.code(), program.control(Seed.TAKE_CALL));
    assertEquals(0, program.add(DISK, id));
    program.id(id);
    assertEquals(Errno.EFAULT.code(), program.control(Seed.TAKE_CALL));
    String path = Files.createFile(directory.resolve("diff")).toString();
    program.ranges(0x3000, 0, 8);
    assertEquals(0, program.append(id, path, path.length(), 1, address(0x3000)));
    program.id(id);
    assertEquals(0, program.control(Seed.TAKE_CALL));
    assertEquals(Errno.EALREADY.code(), program.control(Seed.TAKE_CALL));
    assertEquals(0, program.control(Seed.DESTROY_CALL));
    assertEquals(Errno.ENODEV.code(), program.control(Seed.DESTROY_CALL));
  }

  @ParameterizedTest
  @CsvSource({"2, 8192, 0, 2", "1, 8192, 61, 2", "0, 8192, 61, 2", "9, 8192, 0, 2", "0, 0, 0, 2"})
  void collectTellsIdsOrHowManyThereAre(long count, int ids, int answer, int told)
      throws IOException {
    UUID first = program.created();
    program.created();
    Seed.COLLECT_COUNT.put(program.at(STRUCT), count);
    Seed.COLLECT_IDS.put(program.at(STRUCT), ids == 0 ? 0 : address(ids));
    program.at(ids).putLong(32, 7);
    assertEquals(answer, program.control(Seed.COLLECT_CALL));
    assertEquals(told, Seed.COLLECT_COUNT.get(program.at(STRUCT)));
    assertEquals(7, program.at(ids).getLong(32));
    boolean written = ids != 0 && answer == 0;
    assertEquals(written ? first : new UUID(0, 0), Seed.UUID_B.uuid(program.at(8192)));
  }

  @Test
  void collectWithAHugeCountIsNoHugeArray() throws IOException {
    program.created();
    Seed.COLLECT_COUNT.put(program.at(STRUCT), 0xffffffffL);
    Seed.COLLECT_IDS.put(program.at(STRUCT), program.memory.end() - 16);
    assertEquals(0, program.control(Seed.COLLECT_CALL));
    program.created();
    Seed.COLLECT_COUNT.put(program.at(STRUCT), 0xffffffffL);
    Seed.COLLECT_IDS.put(program.at(STRUCT), program.memory.end() - 16);
    assertEquals(Errno.EFAULT.code(), program.control(Seed.COLLECT_CALL));
    assertEquals(0xffffffffL, Seed.COLLECT_COUNT.get(program.at(STRUCT)));
  }

  @Test
  void storageIsRefusedBeforeAnythingIsGiven(@TempDir Path directory) throws IOException {
    UUID id = program.created();
    String path = Files.createFile(directory.resolve("diff")).toString();
    long ranges = address(0x3000);
    program.ranges(0x3000, 0, 8, 8, 8);
    program.ranges((1 << 16) - 16, 0, 8);
    String before = program.engine.state();
    int inval = Errno.EINVAL.code();
    int fault = Errno.EFAULT.code();
    assertEquals(inval, program.append(id, path, path.length(), 0, ranges));
    assertEquals(inval, program.append(id, path, path.length(), (1 << 20) + 1, ranges));
    assertEquals(inval, program.append(id, path, path.length(), 0xffffffffL, ranges));
    assertEquals(inval, program.append(id, path, 0, 1, ranges));
    assertEquals(inval, program.append(id, path, 4097, 1, ranges));
    assertEquals(fault, program.append(id, path, path.length(), 1, 0));
    assertEquals(fault, program.append(id, path, path.length(), 1, 0x1000));
    assertEquals(fault, program.append(id, path, path.length(), 2, program.memory.end() - 16));
    assertEquals(Errno.ENOENT.code(), program.append(id, path + "-", 4096, 1, ranges));
    assertEquals(Errno.ENOENT.code(), program.append(id, "\0" + path, 9, 1, ranges));
    for (long[] bad :
        new long[][] {{0, 0}, {-16, 32}, {0, -1}, {Long.MAX_VALUE, 1}, {1L << 54, 1L << 54}}) {
      program.ranges(0x3000, bad);
      assertEquals(inval, program.append(id, path, path.length(), 1, ranges));
    }
    assertEquals(before, program.engine.state());
    program.ranges(0x3000, 0, 8, 8, 8);
    program.at(ARRAY).put(0, new byte[4096]);
    assertEquals(0, program.append(id, path, path.length(), 1, ranges));
    assertEquals(0, program.append(id, path + "\0and more", path.length() + 5, 2, ranges));
    assertEquals(2, program.engine.snapshots.get(id).storage.size());
    assertEquals(ArrayMemory.MOST, program.arrays.free());
  }

  @Test
  void arraysOfAllCallsHaveABound() throws IOException {
    ArrayMemory.Lease others = program.arrays.lease();
    others.more(ArrayMemory.MOST);
    Seed.CBTDIRTY_COUNT.put(program.at(ARRAY), 1);
    Seed.CBTDIRTY_SECTORS.put(program.at(ARRAY), address(0x3000));
    program.ranges(0x3000, 0, 1);
    assertEquals(Errno.ENOMEM.code(), program.ctl(DISK, Seed.CTL_CBTDIRTY, 16));
    others.close();
    assertEquals(0, program.ctl(DISK, Seed.CTL_CBTDIRTY, 16));
  }

  @Test
  void anEngineThatIsAwayIsSaidAndNothingElse() throws IOException {
    UUID id = program.created();
    program.engine.failure = Errno.ESHUTDOWN;
    program.id(id);
    assertEquals(Errno.ESHUTDOWN.code(), program.control(Seed.TAKE_CALL));
    program.id(id);
    assertEquals(Errno.ESHUTDOWN.code(), program.control(Seed.DESTROY_CALL));
    assertEquals(Errno.ESHUTDOWN.code(), program.control(Seed.CREATE_CALL));
    assertEquals(1, program.engine.snapshots.size());
  }

  private byte[] bytes(int offset, int length) {
    byte[] bytes = new byte[length];
    program.at(offset).get(0, bytes);
    return bytes;
  }
}
