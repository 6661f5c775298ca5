// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.control;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HexFormat;
import org.blksnap.ioctl.internal.dispatch.Target;
import org.junit.jupiter.api.Test;

class CallFrameTest {
  private static final String GOLDEN_CALL =
      "424c4b53494f4300" // magic
          + "0100" // version
          + "0100" // block device
          + "8e1230c0" // word
          + "00f0ffffff7f0000" // argument
          + "03010000" // major
          + "70110100" // minor
          + "0102030405060708" // st_dev
          + "1112131415161718" // st_ino
          + "08000000" // bytes of the path
          + "00000000";

  private static ByteBuffer golden() {
    return ByteBuffer.wrap(HexFormat.of().parseHex(GOLDEN_CALL)).order(ByteOrder.LITTLE_ENDIAN);
  }

  @Test
  void aCallIsReadAsFormatsHasIt() throws IOException {
    ByteBuffer call = golden();
    assertEquals(CallFrame.CALL_SIZE, call.capacity());
    assertEquals(CallFrame.MAGIC, call.getLong(0));
    assertEquals(CallFrame.VERSION, call.getShort(CallFrame.CALL_VERSION));
    assertEquals(0xc030128e, call.getInt(CallFrame.CALL_WORD));
    assertEquals(0x7ffffffff000L, call.getLong(CallFrame.CALL_ARGUMENT));
    assertEquals(8, CallFrame.pathLength(call));
    assertEquals(
        Target.blockDevice(259, 70000, "/dev/sdb"), CallFrame.target(call, "/dev/sdb".getBytes()));
    call.putShort(CallFrame.CALL_KIND, (short) 2);
    assertEquals(
        Target.file(0x0807060504030201L, 0x1817161514131211L, "/a"),
        CallFrame.target(call, "/a".getBytes()));
    call.putShort(CallFrame.CALL_KIND, (short) 0);
    assertEquals(Target.CONTROL, CallFrame.target(call, "/".getBytes()));
  }

  @Test
  void whatNoClientOfOursSaysIsRefused() {
    ByteBuffer call = golden();
    call.putShort(CallFrame.CALL_KIND, (short) 3);
    assertThrows(IOException.class, () -> CallFrame.target(call, new byte[0]));
    call.putInt(CallFrame.CALL_PATH_LENGTH, 4097);
    assertThrows(IOException.class, () -> CallFrame.pathLength(call));
    call.putInt(CallFrame.CALL_PATH_LENGTH, -1);
    assertThrows(IOException.class, () -> CallFrame.pathLength(call));
  }

  @Test
  void aFrameIsWrittenAsFormatsHasIt() {
    assertArrayEquals(
        HexFormat.of().parseHex("0100000000100000" + "00f0ffffff7f0000"),
        CallFrame.frame(CallFrame.READ, 4096, 0x7ffffffff000L).array());
  }
}
