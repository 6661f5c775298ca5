// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.layout;

import org.blksnap.ioctl.internal.layout.Layout.Field;

/**
 * {@code veeamblksnap} 6 in numbers (reference, section 8). It knows no filter calls: everything
 * goes to the control node, and devices are named by their numbers. Version and event are the
 * seed's structs, and ranges its sectors.
 *
 * <pre>
 * nr  control call             word        argument
 *  0  version                  0x40085600  version         8
 *  1  tracker_remove           0x40085601  dev             8
 *  2  tracker_collect          0x40105602  tracker_collect 16
 *  3  tracker_read_cbt_map     0x80185603  read_cbt_map   24
 *  4  tracker_mark_dirty       0x80185604  mark_dirty     24
 *  5  snapshot_create          0x40205605  create         32
 *  6  snapshot_destroy         0x80105606  uuid           16
 *  7  snapshot_append_storage  0x40285607  append_storage 40
 *  8  snapshot_take            0x80105608  uuid           16
 *  9  snapshot_collect         0x40105609  collect        16
 * 10  snapshot_collect_images  0x4020560a  collect_images 32
 * 11  snapshot_wait_event      0x5000560b  event        4096
 * 32  modification             0x40285620  modification   40
 *
 * struct          field offset/size
 * dev             mj 0/4  mn 4/4
 * tracker_collect count 0/4  cbt_info_array 8/8
 * cbt_info        dev_id 0/8  blk_size 8/4  device_capacity 16/8  blk_count 24/4
 *                 generation_id 28/16  snap_number 44/1                               size 48
 * read_cbt_map    dev_id 0/8  offset 8/4  length 12/4  buff 16/8
 * mark_dirty      dev_id 0/8  count 8/4  dirty_blocks_array 16/8                      size 24
 * create          count 0/4  dev_id_array 8/8  id 16/16
 * append_storage  id 0/16  dev_id 16/8  count 24/4  ranges 32/8                       size 40
 * collect         count 0/4  ids 8/8
 * collect_images  id 0/16  count 16/4  image_info_array 24/8
 * image_info      orig_dev_id 0/8  image_dev_id 8/8
 * modification    compatibility_flags 0/8  name 8/32
 *
 * code of an event   low_free_space 0   corrupted 1
 * </pre>
 */
public final class Veeam6 {
  public static final long VERSION_CALL = 0x40085600L;
  public static final long REMOVE_CALL = 0x40085601L;
  public static final long TRACKERS_CALL = 0x40105602L;
  public static final long READ_MAP_CALL = 0x80185603L;
  public static final long MARK_DIRTY_CALL = 0x80185604L;
  public static final long CREATE_CALL = 0x40205605L;
  public static final long DESTROY_CALL = 0x80105606L;
  public static final long APPEND_STORAGE_CALL = 0x40285607L;
  public static final long TAKE_CALL = 0x80105608L;
  public static final long COLLECT_CALL = 0x40105609L;
  public static final long IMAGES_CALL = 0x4020560aL;
  public static final long WAIT_EVENT_CALL = 0x5000560bL;
  public static final long MODIFICATION_CALL = 0x40285620L;

  public static final int EVENT_LOW_FREE_SPACE = 0;
  public static final int EVENT_CORRUPTED = 1;

  public static final Layout DEV = new Layout("blk_snap_dev", 8);
  public static final Field DEV_MAJOR = DEV.field("mj", 0, 4);
  public static final Field DEV_MINOR = DEV.field("mn", 4, 4);

  public static final Layout TRACKERS = new Layout("blk_snap_tracker_collect", 16);
  public static final Field TRACKERS_COUNT = TRACKERS.field("count", 0, 4);
  public static final Field TRACKERS_ARRAY = TRACKERS.field("cbt_info_array", 8, 8);

  public static final Layout CBT_INFO = new Layout("blk_snap_cbt_info", 48);
  public static final Field CBT_INFO_MAJOR = CBT_INFO.field("dev_id.mj", 0, 4);
  public static final Field CBT_INFO_MINOR = CBT_INFO.field("dev_id.mn", 4, 4);
  public static final Field CBT_INFO_BLOCK_SIZE = CBT_INFO.field("blk_size", 8, 4);
  public static final Field CBT_INFO_CAPACITY = CBT_INFO.field("device_capacity", 16, 8);
  public static final Field CBT_INFO_BLOCK_COUNT = CBT_INFO.field("blk_count", 24, 4);
  public static final Field CBT_INFO_GENERATION = CBT_INFO.field("generation_id", 28, 16);
  public static final Field CBT_INFO_NUMBER = CBT_INFO.field("snap_number", 44, 1);

  public static final Layout READ_MAP = new Layout("blk_snap_tracker_read_cbt_bitmap", 24);
  public static final Field READ_MAP_MAJOR = READ_MAP.field("dev_id.mj", 0, 4);
  public static final Field READ_MAP_MINOR = READ_MAP.field("dev_id.mn", 4, 4);
  public static final Field READ_MAP_OFFSET = READ_MAP.field("offset", 8, 4);
  public static final Field READ_MAP_LENGTH = READ_MAP.field("length", 12, 4);
  public static final Field READ_MAP_BUFFER = READ_MAP.field("buff", 16, 8);

  public static final Layout MARK_DIRTY = new Layout("blk_snap_tracker_mark_dirty_blocks", 24);
  public static final Field MARK_DIRTY_MAJOR = MARK_DIRTY.field("dev_id.mj", 0, 4);
  public static final Field MARK_DIRTY_MINOR = MARK_DIRTY.field("dev_id.mn", 4, 4);
  public static final Field MARK_DIRTY_COUNT = MARK_DIRTY.field("count", 8, 4);
  public static final Field MARK_DIRTY_RANGES = MARK_DIRTY.field("dirty_blocks_array", 16, 8);

  public static final Layout CREATE = new Layout("blk_snap_snapshot_create", 32);
  public static final Field CREATE_COUNT = CREATE.field("count", 0, 4);
  public static final Field CREATE_DEVICES = CREATE.field("dev_id_array", 8, 8);
  public static final Field CREATE_ID = CREATE.field("id", 16, 16);

  public static final Layout APPEND_STORAGE = new Layout("blk_snap_snapshot_append_storage", 40);
  public static final Field APPEND_ID = APPEND_STORAGE.field("id", 0, 16);
  public static final Field APPEND_MAJOR = APPEND_STORAGE.field("dev_id.mj", 16, 4);
  public static final Field APPEND_MINOR = APPEND_STORAGE.field("dev_id.mn", 20, 4);
  public static final Field APPEND_COUNT = APPEND_STORAGE.field("count", 24, 4);
  public static final Field APPEND_RANGES = APPEND_STORAGE.field("ranges", 32, 8);

  public static final Layout IMAGES = new Layout("blk_snap_snapshot_collect_images", 32);
  public static final Field IMAGES_ID = IMAGES.field("id", 0, 16);
  public static final Field IMAGES_COUNT = IMAGES.field("count", 16, 4);
  public static final Field IMAGES_ARRAY = IMAGES.field("image_info_array", 24, 8);

  public static final Layout IMAGE = new Layout("blk_snap_image_info", 16);
  public static final Field IMAGE_MAJOR = IMAGE.field("orig_dev_id.mj", 0, 4);
  public static final Field IMAGE_MINOR = IMAGE.field("orig_dev_id.mn", 4, 4);
  public static final Field IMAGE_OWN_MAJOR = IMAGE.field("image_dev_id.mj", 8, 4);
  public static final Field IMAGE_OWN_MINOR = IMAGE.field("image_dev_id.mn", 12, 4);

  private Veeam6() {}
}
