// SPDX-License-Identifier: Apache-2.0
package org.blksnap.tracker.internal;

/**
 * The bytes of a change map's file. All numbers are little-endian.
 *
 * <pre>
 * file
 *        0 +--------------------------------------------------+
 *          | header slot A (2048)                             |
 *     2048 | zero                                             |
 *     4096 +--------------------------------------------------+
 *          | header slot B (2048), then zero                  |
 *     8192 +--------------------------------------------------+
 *          | write map: one byte a block, zero up to 4096     |
 *        n +--------------------------------------------------+
 *          | read map: one byte a block, zero up to 4096      |
 *          +--------------------------------------------------+
 *
 * slot
 *     offset size  field
 *          0    8  magic "BLKSNPCM"
 *          8    4  format version, 2
 *         12    4  length of the slot, 2048
 *         16    8  sequence; an even one stands in slot A, an odd one in slot B
 *         24    8  capacity of the device, bytes
 *         32   16  generation id, RFC 4122 order
 *         48    8  begin of the generation, ms since the epoch; for people
 *         56    4  block count
 *         60    1  block shift
 *         61    1  active, 1..255
 *         62    1  previous, active - 1
 *         63    1  announced: active of a take that may have happened; see below
 *         64    1  flags: 1 clean, 2 durable, 4 corrupted, 8 superseded, 16 renewing
 *         65   63  zero
 *        128   64  boot id                text: u16 length, UTF-8 bytes, zero
 *        192   64  reason, its enum name  text
 *        256  512  device identity        text
 *        768  512  device fingerprint     text; empty unless clean
 *       1280  512  detail of the reason   text
 *       1792  252  zero
 *       2044    4  CRC32C of bytes 0..2043
 * </pre>
 *
 * The valid slot with the higher sequence counts. A new header is written over the older slot, so a
 * process killed at any instruction leaves the other one whole.
 *
 * <p>A block's byte in the write map is the number that was active when it was last written. Its
 * byte in the readable map is the write map's, as long as that is {@code previous} or less, and the
 * read map's otherwise: a take copies nothing, the first mark of a block after it does.
 */
final class MapLayout {
  static final int PAGE = 4096;
  static final int HEADER_LENGTH = 2 * PAGE;

  /** "BLKSNPCM" read as a little-endian number. */
  static final long MAGIC = 0x4d43504e534b4c42L;

  static final int VERSION = 2;

  static final int SLOT_LENGTH = 2048;
  static final int MAGIC_AT = 0;
  static final int VERSION_AT = 8;
  static final int LENGTH_AT = 12;
  static final int SEQUENCE_AT = 16;
  static final int CAPACITY_AT = 24;
  static final int GENERATION_AT = 32;
  static final int SINCE_AT = 48;
  static final int COUNT_AT = 56;
  static final int SHIFT_AT = 60;
  static final int ACTIVE_AT = 61;
  static final int PREVIOUS_AT = 62;
  static final int ANNOUNCED_AT = 63;
  static final int FLAGS_AT = 64;
  static final int BOOT_AT = 128;
  static final int REASON_AT = 192;
  static final int IDENTITY_AT = 256;
  static final int FINGERPRINT_AT = 768;
  static final int DETAIL_AT = 1280;
  static final int DETAIL_END = 1792;
  static final int CRC_AT = SLOT_LENGTH - Integer.BYTES;

  static final int CLEAN = 1;
  static final int DURABLE = 2;
  static final int CORRUPTED = 4;

  /** Another map has taken this one's place. */
  static final int SUPERSEDED = 8;

  /** Durable mode: another map may have taken its place; nobody can tell after a power loss. */
  static final int RENEWING = 16;

  /** The last number a byte can hold; a take from it begins a new generation. */
  static final int LAST_NUMBER = 255;

  private MapLayout() {}

  /** Where the slot of a sequence stands in the file. */
  static int slotOf(long sequence) {
    return (sequence & 1) == 0 ? 0 : PAGE;
  }

  /** Bytes one map takes in the file. */
  static long mapLength(long blocks) {
    return (blocks + PAGE - 1) / PAGE * PAGE;
  }

  static long readMapAt(long blocks) {
    return HEADER_LENGTH + mapLength(blocks);
  }

  static long fileLength(long blocks) {
    return HEADER_LENGTH + 2 * mapLength(blocks);
  }
}
