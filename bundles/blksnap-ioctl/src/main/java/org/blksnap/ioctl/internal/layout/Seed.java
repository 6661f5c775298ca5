// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.layout;

import org.blksnap.ioctl.internal.layout.Layout.Field;

/**
 * The interface 2.0.0.0 in numbers (reference, sections 1 and 2). Words, offsets and sizes are of
 * 64-bit little-endian Linux; some direction bits do not tell the truth, they are the ABI.
 *
 * <pre>
 * nr  control call             word        argument
 *  0  version                  0x40085600  version         8
 *  1  snapshot_create          0x40105601  uuid           16
 *  2  snapshot_destroy         0x80105602  uuid           16
 *  3  snapshot_append_storage  0x40285603  append_storage 40
 *  4  snapshot_take            0x80105604  uuid           16
 *  5  snapshot_collect         0x40105605  collect        16
 *  6  snapshot_wait_event      0x50005606  event        4096
 *
 *     filter call              word        argument
 *     BLKFILTER_ATTACH         0xc020128c  name           32
 *     BLKFILTER_DETACH         0xc020128d  name           32
 *     BLKFILTER_CTL            0xc030128e  ctl            48
 *
 * struct          field offset/size
 * version         major 0/2  minor 2/2  revision 4/2  build 6/2
 * uuid            b 0/16
 * append_storage  id 0/16  bdev_path 16/8  bdev_path_size 24/4  count 28/4  ranges 32/8
 * sectors         offset 0/8  count 8/8
 * collect         count 0/4  ids 8/8
 * event           id 0/16  timeout_ms 16/4  code 20/4  time_label 24/8  data 32/4064
 *  low_free_space requested_nr_sect 0/8
 *  corrupted      dev_id_mj 0/4  dev_id_mn 4/4  err_code 8/4
 * ctl             name 0/32  cmd 32/4  optlen 36/4  opt 40/8
 * cbtinfo         device_capacity 0/8  block_size 8/4  block_count 12/4  generation_id 16/16
 *                 changes_number 32/1                                                 size 40
 * cbtmap          offset 0/4  length 4/4  buffer 8/8
 * cbtdirty        count 0/4  dirty_sectors 8/8
 * snapshotadd     id 0/16
 * snapshotinfo    error_code 0/4  image 4/32
 * </pre>
 */
public final class Seed {
  public static final int NR_VERSION = 0;
  public static final int NR_CREATE = 1;
  public static final int NR_DESTROY = 2;
  public static final int NR_APPEND_STORAGE = 3;
  public static final int NR_TAKE = 4;
  public static final int NR_COLLECT = 5;
  public static final int NR_WAIT_EVENT = 6;

  public static final long VERSION_CALL = 0x40085600L;
  public static final long CREATE_CALL = 0x40105601L;
  public static final long DESTROY_CALL = 0x80105602L;
  public static final long APPEND_STORAGE_CALL = 0x40285603L;
  public static final long TAKE_CALL = 0x80105604L;
  public static final long COLLECT_CALL = 0x40105605L;
  public static final long WAIT_EVENT_CALL = 0x50005606L;

  public static final int CONTROL_MAGIC = 'V';
  public static final int FILTER_MAGIC = 0x12;
  public static final int NR_ATTACH = 140;
  public static final int NR_DETACH = 141;
  public static final int NR_CTL = 142;

  public static final long ATTACH_CALL = 0xc020128cL;
  public static final long DETACH_CALL = 0xc020128dL;
  public static final long CTL_CALL = 0xc030128eL;

  public static final int CTL_CBTINFO = 0;
  public static final int CTL_CBTMAP = 1;
  public static final int CTL_CBTDIRTY = 2;
  public static final int CTL_SNAPSHOTADD = 3;
  public static final int CTL_SNAPSHOTINFO = 4;

  public static final int EVENT_LOW_FREE_SPACE = 0;
  public static final int EVENT_CORRUPTED = 1;

  /** The name that attach, detach and ctl carry. */
  public static final String FILTER_NAME = "blksnap";

  public static final Layout VERSION = new Layout("blksnap_version", 8);
  public static final Field VERSION_MAJOR = VERSION.field("major", 0, 2);
  public static final Field VERSION_MINOR = VERSION.field("minor", 2, 2);
  public static final Field VERSION_REVISION = VERSION.field("revision", 4, 2);
  public static final Field VERSION_BUILD = VERSION.field("build", 6, 2);

  public static final Layout UUID = new Layout("blksnap_uuid", 16);
  public static final Field UUID_B = UUID.field("b", 0, 16);

  public static final Layout APPEND_STORAGE = new Layout("blksnap_append_storage", 40);
  public static final Field APPEND_ID = APPEND_STORAGE.field("id", 0, 16);
  public static final Field APPEND_PATH = APPEND_STORAGE.field("bdev_path", 16, 8);
  public static final Field APPEND_PATH_SIZE = APPEND_STORAGE.field("bdev_path_size", 24, 4);
  public static final Field APPEND_COUNT = APPEND_STORAGE.field("count", 28, 4);
  public static final Field APPEND_RANGES = APPEND_STORAGE.field("ranges", 32, 8);

  public static final Layout SECTORS = new Layout("blksnap_sectors", 16);
  public static final Field SECTORS_OFFSET = SECTORS.field("offset", 0, 8);
  public static final Field SECTORS_COUNT = SECTORS.field("count", 8, 8);

  public static final Layout COLLECT = new Layout("blksnap_collect", 16);
  public static final Field COLLECT_COUNT = COLLECT.field("count", 0, 4);
  public static final Field COLLECT_IDS = COLLECT.field("ids", 8, 8);

  public static final Layout EVENT = new Layout("blksnap_event", 4096);
  public static final Field EVENT_ID = EVENT.field("id", 0, 16);
  public static final Field EVENT_TIMEOUT = EVENT.field("timeout_ms", 16, 4);
  public static final Field EVENT_CODE = EVENT.field("code", 20, 4);
  public static final Field EVENT_TIME = EVENT.field("time_label", 24, 8);
  public static final Field EVENT_DATA = EVENT.field("data", 32, 4064);

  public static final Layout LOW_FREE_SPACE = new Layout("blksnap_event_low_free_space", 8);
  public static final Field LOW_REQUESTED = LOW_FREE_SPACE.field("requested_nr_sect", 0, 8);

  public static final Layout CORRUPTED = new Layout("blksnap_event_corrupted", 12);
  public static final Field CORRUPTED_MAJOR = CORRUPTED.field("dev_id_mj", 0, 4);
  public static final Field CORRUPTED_MINOR = CORRUPTED.field("dev_id_mn", 4, 4);
  public static final Field CORRUPTED_ERROR = CORRUPTED.field("err_code", 8, 4);

  public static final Layout NAME = new Layout("blkfilter_name", 32);
  public static final Field NAME_NAME = NAME.field("name", 0, 32);

  public static final Layout CTL = new Layout("blkfilter_ctl", 48);
  public static final Field CTL_NAME = CTL.field("name", 0, 32);
  public static final Field CTL_CMD = CTL.field("cmd", 32, 4);
  public static final Field CTL_OPTLEN = CTL.field("optlen", 36, 4);
  public static final Field CTL_OPT = CTL.field("opt", 40, 8);

  public static final Layout CBTINFO = new Layout("blksnap_cbtinfo", 40);
  public static final Field CBTINFO_CAPACITY = CBTINFO.field("device_capacity", 0, 8);
  public static final Field CBTINFO_BLOCK_SIZE = CBTINFO.field("block_size", 8, 4);
  public static final Field CBTINFO_BLOCK_COUNT = CBTINFO.field("block_count", 12, 4);
  public static final Field CBTINFO_GENERATION = CBTINFO.field("generation_id", 16, 16);
  public static final Field CBTINFO_NUMBER = CBTINFO.field("changes_number", 32, 1);

  public static final Layout CBTMAP = new Layout("blksnap_cbtmap", 16);
  public static final Field CBTMAP_OFFSET = CBTMAP.field("offset", 0, 4);
  public static final Field CBTMAP_LENGTH = CBTMAP.field("length", 4, 4);
  public static final Field CBTMAP_BUFFER = CBTMAP.field("buffer", 8, 8);

  public static final Layout CBTDIRTY = new Layout("blksnap_cbtdirty", 16);
  public static final Field CBTDIRTY_COUNT = CBTDIRTY.field("count", 0, 4);
  public static final Field CBTDIRTY_SECTORS = CBTDIRTY.field("dirty_sectors", 8, 8);

  public static final Layout SNAPSHOTADD = new Layout("blksnap_snapshotadd", 16);
  public static final Field SNAPSHOTADD_ID = SNAPSHOTADD.field("id", 0, 16);

  public static final Layout SNAPSHOTINFO = new Layout("blksnap_snapshotinfo", 36);
  public static final Field SNAPSHOTINFO_ERROR = SNAPSHOTINFO.field("error_code", 0, 4);
  public static final Field SNAPSHOTINFO_IMAGE = SNAPSHOTINFO.field("image", 4, 32);

  private Seed() {}
}
