// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.layout;

import static org.blksnap.ioctl.internal.layout.GoldenBytes.BLKSNAP;
import static org.blksnap.ioctl.internal.layout.GoldenBytes.ID;
import static org.blksnap.ioctl.internal.layout.GoldenBytes.ID_BYTES;
import static org.blksnap.ioctl.internal.layout.GoldenBytes.golden;

import org.junit.jupiter.api.Test;

/** The structs that upstream and the vendor have otherwise than the seed. */
class OtherBytesTest {
  @Test
  void upstreamStructs() {
    golden(
        Upstream.CREATE,
        "0000100000000000 8877665544332211 " + ID_BYTES,
        Upstream.CREATE_LIMIT,
        1 << 20,
        Upstream.CREATE_FILENAME,
        0x1122334455667788L,
        Upstream.CREATE_ID,
        ID);
    golden(
        Upstream.CREATE_6,
        "0000100000000000 07000000 " + ID_BYTES + "00000000",
        Upstream.CREATE_6_LIMIT,
        1 << 20,
        Upstream.CREATE_6_FD,
        7,
        Upstream.CREATE_6_ID,
        ID);
    golden(
        Upstream.ATTACH,
        BLKSNAP + "8877665544332211 10000000 00000000",
        Upstream.ATTACH_NAME,
        "blksnap",
        Upstream.ATTACH_OPT,
        0x1122334455667788L,
        Upstream.ATTACH_OPTLEN,
        16);
  }

  @Test
  void veeam7Structs() {
    golden(
        Veeam7.MODIFICATION,
        "0300000000000000 5645454d00000000 0*24",
        Veeam7.MODIFICATION_FLAGS,
        3,
        Veeam7.MODIFICATION_NAME,
        "VEEM");
    golden(
        Veeam7.APPEND_STORAGE,
        ID_BYTES + "8877665544332211 05000000 00000000 ffeeddccbbaa9988",
        Veeam7.APPEND_ID,
        ID,
        Veeam7.APPEND_PATH,
        0x1122334455667788L,
        Veeam7.APPEND_COUNT,
        5,
        Veeam7.APPEND_RANGES,
        0x8899aabbccddeeffL);
    golden(
        Veeam7.NAME,
        "8877665544332211 " + BLKSNAP,
        Veeam7.NAME_PATH,
        0x1122334455667788L,
        Veeam7.NAME_NAME,
        "blksnap");
    golden(
        Veeam7.ATTACH,
        "8877665544332211 " + BLKSNAP + "ffeeddccbbaa9988 10000000 00000000",
        Veeam7.ATTACH_PATH,
        0x1122334455667788L,
        Veeam7.ATTACH_NAME,
        "blksnap",
        Veeam7.ATTACH_OPT,
        0x8899aabbccddeeffL,
        Veeam7.ATTACH_OPTLEN,
        16);
    golden(
        Veeam7.CTL,
        "8877665544332211 " + BLKSNAP + "01000000 10000000 ffeeddccbbaa9988",
        Veeam7.CTL_PATH,
        0x1122334455667788L,
        Veeam7.CTL_NAME,
        "blksnap",
        Veeam7.CTL_CMD,
        1,
        Veeam7.CTL_OPTLEN,
        16,
        Veeam7.CTL_OPT,
        0x8899aabbccddeeffL);
  }

  @Test
  void veeam6Structs() {
    golden(Veeam6.DEV, "fd000000 05000000", Veeam6.DEV_MAJOR, 253, Veeam6.DEV_MINOR, 5);
    golden(
        Veeam6.TRACKERS,
        "02000000 00000000 8877665544332211",
        Veeam6.TRACKERS_COUNT,
        2,
        Veeam6.TRACKERS_ARRAY,
        0x1122334455667788L);
    golden(
        Veeam6.CBT_INFO,
        "fd000000 05000000 00000100 00000000 0000001000000000 00100000 " + ID_BYTES + "09 0*3",
        Veeam6.CBT_INFO_MAJOR,
        253,
        Veeam6.CBT_INFO_MINOR,
        5,
        Veeam6.CBT_INFO_BLOCK_SIZE,
        65_536,
        Veeam6.CBT_INFO_CAPACITY,
        1L << 28,
        Veeam6.CBT_INFO_BLOCK_COUNT,
        4096,
        Veeam6.CBT_INFO_GENERATION,
        ID,
        Veeam6.CBT_INFO_NUMBER,
        9);
    golden(
        Veeam6.READ_MAP,
        "fd000000 05000000 10000000 00020000 8877665544332211",
        Veeam6.READ_MAP_MAJOR,
        253,
        Veeam6.READ_MAP_MINOR,
        5,
        Veeam6.READ_MAP_OFFSET,
        16,
        Veeam6.READ_MAP_LENGTH,
        512,
        Veeam6.READ_MAP_BUFFER,
        0x1122334455667788L);
    golden(
        Veeam6.MARK_DIRTY,
        "fd000000 05000000 02000000 00000000 8877665544332211",
        Veeam6.MARK_DIRTY_MAJOR,
        253,
        Veeam6.MARK_DIRTY_MINOR,
        5,
        Veeam6.MARK_DIRTY_COUNT,
        2,
        Veeam6.MARK_DIRTY_RANGES,
        0x1122334455667788L);
  }

  @Test
  void veeam6SnapshotStructs() {
    golden(
        Veeam6.CREATE,
        "02000000 00000000 8877665544332211 " + ID_BYTES,
        Veeam6.CREATE_COUNT,
        2,
        Veeam6.CREATE_DEVICES,
        0x1122334455667788L,
        Veeam6.CREATE_ID,
        ID);
    golden(
        Veeam6.APPEND_STORAGE,
        ID_BYTES + "fd000000 05000000 02000000 00000000 8877665544332211",
        Veeam6.APPEND_ID,
        ID,
        Veeam6.APPEND_MAJOR,
        253,
        Veeam6.APPEND_MINOR,
        5,
        Veeam6.APPEND_COUNT,
        2,
        Veeam6.APPEND_RANGES,
        0x1122334455667788L);
    golden(
        Veeam6.IMAGES,
        ID_BYTES + "02000000 00000000 8877665544332211",
        Veeam6.IMAGES_ID,
        ID,
        Veeam6.IMAGES_COUNT,
        2,
        Veeam6.IMAGES_ARRAY,
        0x1122334455667788L);
    golden(
        Veeam6.IMAGE,
        "fd000000 05000000 fb000000 07000000",
        Veeam6.IMAGE_MAJOR,
        253,
        Veeam6.IMAGE_MINOR,
        5,
        Veeam6.IMAGE_OWN_MAJOR,
        251,
        Veeam6.IMAGE_OWN_MINOR,
        7);
  }
}
