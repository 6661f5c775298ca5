// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal;

/**
 * Numbers and layouts of the NBD protocol, big-endian throughout.
 *
 * <pre>
 * request           extended request   simple reply      structured reply   extended reply
 *  0 u32 magic       0 u32 magic        0 u32 magic       0 u32 magic        0 u32 magic
 *  4 u16 flags       4 u16 flags        4 u32 error       4 u16 flags        4 u16 flags
 *  6 u16 type        6 u16 type         8 u64 cookie      6 u16 type         6 u16 type
 *  8 u64 cookie      8 u64 cookie      16 data            8 u64 cookie       8 u64 cookie
 * 16 u64 offset     16 u64 offset                        16 u32 length      16 u64 offset
 * 24 u32 length     24 u64 length                        20 payload         24 u64 length
 * 28 payload        32 payload                                              32 payload
 *
 * option            option reply
 *  0 u64 IHAVEOPT    0 u64 magic
 *  8 u32 option      8 u32 option
 * 12 u32 length     12 u32 type
 * 16 data           16 u32 length
 *                   20 data
 * </pre>
 */
final class Wire {
  static final long NBDMAGIC = 0x4e42444d41474943L;
  static final long IHAVEOPT = 0x49484156454f5054L;
  static final long OPTION_REPLY_MAGIC = 0x0003e889045565a9L;
  static final int REQUEST_MAGIC = 0x25609513;
  static final int EXTENDED_REQUEST_MAGIC = 0x21e41c71;
  static final int SIMPLE_REPLY_MAGIC = 0x67446698;
  static final int STRUCTURED_REPLY_MAGIC = 0x668e33ef;
  static final int EXTENDED_REPLY_MAGIC = 0x6e8a278c;

  static final int OPTION_BYTES = 16;
  static final int REQUEST_BYTES = 28;
  static final int EXTENDED_REQUEST_BYTES = 32;
  static final int SIMPLE_REPLY_BYTES = 16;
  static final int STRUCTURED_REPLY_BYTES = 20;
  static final int EXTENDED_REPLY_BYTES = 32;

  static final int REQUEST_FLAGS = 4;
  static final int REQUEST_TYPE = 6;
  static final int REQUEST_COOKIE = 8;
  static final int REQUEST_OFFSET = 16;
  static final int REQUEST_LENGTH = 24;

  static final int HANDSHAKE_FIXED_NEWSTYLE = 1;
  static final int HANDSHAKE_NO_ZEROES = 1 << 1;
  static final int EXPORT_NAME_ZEROES = 124;

  static final int OPT_EXPORT_NAME = 1;
  static final int OPT_ABORT = 2;
  static final int OPT_LIST = 3;
  static final int OPT_STARTTLS = 5;
  static final int OPT_INFO = 6;
  static final int OPT_GO = 7;
  static final int OPT_STRUCTURED_REPLY = 8;
  static final int OPT_LIST_META_CONTEXT = 9;
  static final int OPT_SET_META_CONTEXT = 10;
  static final int OPT_EXTENDED_HEADERS = 11;

  static final int REP_ACK = 1;
  static final int REP_SERVER = 2;
  static final int REP_INFO = 3;
  static final int REP_META_CONTEXT = 4;
  static final int REP_ERR_UNSUP = 0x80000001;
  static final int REP_ERR_POLICY = 0x80000002;
  static final int REP_ERR_INVALID = 0x80000003;
  static final int REP_ERR_TLS_REQD = 0x80000005;
  static final int REP_ERR_UNKNOWN = 0x80000006;
  static final int REP_ERR_SHUTDOWN = 0x80000007;
  static final int REP_ERR_TOO_BIG = 0x80000009;
  static final int REP_ERR_EXT_HEADER_REQD = 0x8000000a;

  static final int INFO_EXPORT = 0;
  static final int INFO_NAME = 1;
  static final int INFO_DESCRIPTION = 2;
  static final int INFO_BLOCK_SIZE = 3;

  static final int FLAG_HAS_FLAGS = 1;
  static final int FLAG_READ_ONLY = 1 << 1;
  static final int FLAG_SEND_FLUSH = 1 << 2;
  static final int FLAG_SEND_FUA = 1 << 3;
  static final int FLAG_ROTATIONAL = 1 << 4;
  static final int FLAG_SEND_TRIM = 1 << 5;
  static final int FLAG_SEND_WRITE_ZEROES = 1 << 6;
  static final int FLAG_SEND_DF = 1 << 7;
  static final int FLAG_CAN_MULTI_CONN = 1 << 8;
  static final int FLAG_SEND_CACHE = 1 << 10;
  static final int FLAG_SEND_FAST_ZERO = 1 << 11;
  static final int FLAG_BLOCK_STATUS_PAYLOAD = 1 << 12;

  static final int CMD_READ = 0;
  static final int CMD_WRITE = 1;
  static final int CMD_DISC = 2;
  static final int CMD_FLUSH = 3;
  static final int CMD_TRIM = 4;
  static final int CMD_CACHE = 5;
  static final int CMD_WRITE_ZEROES = 6;
  static final int CMD_BLOCK_STATUS = 7;

  static final int CMD_FLAG_FUA = 1;
  static final int CMD_FLAG_NO_HOLE = 1 << 1;
  static final int CMD_FLAG_DF = 1 << 2;
  static final int CMD_FLAG_REQ_ONE = 1 << 3;
  static final int CMD_FLAG_FAST_ZERO = 1 << 4;
  static final int CMD_FLAG_PAYLOAD_LEN = 1 << 5;

  static final int REPLY_FLAG_DONE = 1;
  static final int REPLY_NONE = 0;
  static final int REPLY_OFFSET_DATA = 1;
  static final int REPLY_BLOCK_STATUS = 5;
  static final int REPLY_BLOCK_STATUS_EXT = 6;
  static final int REPLY_ERROR = 0x8001;
  static final int REPLY_ERROR_OFFSET = 0x8002;

  static final int STATE_HOLE = 1;
  static final int STATE_ZERO = 1 << 1;
  static final int STATE_DIRTY = 1;

  /** Longest string the protocol allows, in bytes. */
  static final int MAXIMUM_STRING = 4096;

  /** Longest data of an option that this server takes, in bytes. */
  static final int MAXIMUM_OPTION = 128 << 10;

  private Wire() {}
}
