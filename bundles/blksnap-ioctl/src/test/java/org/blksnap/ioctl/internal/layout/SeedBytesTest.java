// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.layout;

import static org.blksnap.ioctl.internal.layout.GoldenBytes.BLKSNAP;
import static org.blksnap.ioctl.internal.layout.GoldenBytes.ID;
import static org.blksnap.ioctl.internal.layout.GoldenBytes.ID_BYTES;
import static org.blksnap.ioctl.internal.layout.GoldenBytes.golden;

import org.junit.jupiter.api.Test;

class SeedBytesTest {
  @Test
  void seedStructs() {
    golden(
        Seed.VERSION,
        "0200 0304 0506 0708",
        Seed.VERSION_MAJOR,
        2,
        Seed.VERSION_MINOR,
        0x0403,
        Seed.VERSION_REVISION,
        0x0605,
        Seed.VERSION_BUILD,
        0x0807);
    golden(Seed.UUID, ID_BYTES, Seed.UUID_B, ID);
    golden(
        Seed.APPEND_STORAGE,
        ID_BYTES + "8877665544332211 04030201 0d0c0b0a ffeeddccbbaa9988",
        Seed.APPEND_ID,
        ID,
        Seed.APPEND_PATH,
        0x1122334455667788L,
        Seed.APPEND_PATH_SIZE,
        0x01020304,
        Seed.APPEND_COUNT,
        0x0a0b0c0d,
        Seed.APPEND_RANGES,
        0x8899aabbccddeeffL);
    golden(
        Seed.SECTORS,
        "0800000000000000 0102000000000000",
        Seed.SECTORS_OFFSET,
        8,
        Seed.SECTORS_COUNT,
        513);
    golden(
        Seed.COLLECT,
        "03000000 00000000 8877665544332211",
        Seed.COLLECT_COUNT,
        3,
        Seed.COLLECT_IDS,
        0x1122334455667788L);
    golden(
        Seed.EVENT,
        ID_BYTES + "e8030000 01000000 00ca9a3b00000000 0*4064",
        Seed.EVENT_ID,
        ID,
        Seed.EVENT_TIMEOUT,
        1000,
        Seed.EVENT_CODE,
        1,
        Seed.EVENT_TIME,
        1_000_000_000L);
    golden(Seed.LOW_FREE_SPACE, "0000200000000000", Seed.LOW_REQUESTED, 2_097_152);
    golden(
        Seed.CORRUPTED,
        "fd000000 05000000 1c000000",
        Seed.CORRUPTED_MAJOR,
        253,
        Seed.CORRUPTED_MINOR,
        5,
        Seed.CORRUPTED_ERROR,
        28);
  }

  @Test
  void seedFilterStructs() {
    golden(Seed.NAME, BLKSNAP, Seed.NAME_NAME, "blksnap");
    golden(
        Seed.CTL,
        BLKSNAP + "04000000 24000000 8877665544332211",
        Seed.CTL_NAME,
        "blksnap",
        Seed.CTL_CMD,
        4,
        Seed.CTL_OPTLEN,
        36,
        Seed.CTL_OPT,
        0x1122334455667788L);
    golden(
        Seed.CBTINFO,
        "0000000000010000 00000800 00002000 " + ID_BYTES + "ff 0*7",
        Seed.CBTINFO_CAPACITY,
        1L << 40,
        Seed.CBTINFO_BLOCK_SIZE,
        1 << 19,
        Seed.CBTINFO_BLOCK_COUNT,
        1 << 21,
        Seed.CBTINFO_GENERATION,
        ID,
        Seed.CBTINFO_NUMBER,
        255);
    golden(
        Seed.CBTMAP,
        "ffffffff 00100000 8877665544332211",
        Seed.CBTMAP_OFFSET,
        0xffff_ffffL,
        Seed.CBTMAP_LENGTH,
        4096,
        Seed.CBTMAP_BUFFER,
        0x1122334455667788L);
    golden(
        Seed.CBTDIRTY,
        "02000000 00000000 8877665544332211",
        Seed.CBTDIRTY_COUNT,
        2,
        Seed.CBTDIRTY_SECTORS,
        0x1122334455667788L);
    golden(Seed.SNAPSHOTADD, ID_BYTES, Seed.SNAPSHOTADD_ID, ID);
    golden(
        Seed.SNAPSHOTINFO,
        "e4ffffff 626c6b736e61702d 696d6167655f3235 333a300000000000 0*8",
        Seed.SNAPSHOTINFO_ERROR,
        0xffff_ffe4L,
        Seed.SNAPSHOTINFO_IMAGE,
        "blksnap-image_253:0");
  }
}
