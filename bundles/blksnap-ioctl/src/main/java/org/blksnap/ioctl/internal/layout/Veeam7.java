// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.layout;

import org.blksnap.ioctl.internal.layout.Layout.Field;

/**
 * What {@code veeamblksnap} 7 has otherwise than {@link Upstream} v7 (reference, section 8): the
 * filter calls go to a node of their own and name the device by its path, and storage may be
 * appended.
 *
 * <pre>
 * nr  control call             word        argument
 * 32  modification             0x80285620  modification   40
 * 34  snapshot_append_storage  0x40285622  append_storage 40
 *
 *     call on bdevfilter       word        argument
 *     BDEVFILTER_ATTACH        0xc028468c  name           40
 *     BDEVFILTER_ATTACH        0xc038468c  attach         56   (later ones; others answer ENOTTY)
 *     BDEVFILTER_DETACH        0xc028468d  name           40
 *     BDEVFILTER_CTL           0xc038468e  ctl            56
 *
 * struct          field offset/size
 * modification    compatibility_flags 0/8  name 8/32
 * append_storage  id 0/16  devpath 16/8  count 24/4  ranges 32/8                      size 40
 * name            devpath 0/8  name 8/32
 * attach          devpath 0/8  name 8/32  opt 40/8  optlen 48/4                       size 56
 * ctl             devpath 0/8  name 8/32  cmd 40/4  optlen 44/4  opt 48/8
 *
 * code of an event   corrupted 0   low_free_space 1
 * </pre>
 */
public final class Veeam7 {
  public static final long MODIFICATION_CALL = 0x80285620L;
  public static final long APPEND_STORAGE_CALL = 0x40285622L;

  public static final long ATTACH_CALL = 0xc028468cL;
  public static final long LONG_ATTACH_CALL = 0xc038468cL;
  public static final long DETACH_CALL = 0xc028468dL;
  public static final long CTL_CALL = 0xc038468eL;

  public static final int EVENT_CORRUPTED = 0;
  public static final int EVENT_LOW_FREE_SPACE = 1;

  public static final Layout MODIFICATION = new Layout("blksnap_mod", 40);
  public static final Field MODIFICATION_FLAGS = MODIFICATION.field("compatibility_flags", 0, 8);
  public static final Field MODIFICATION_NAME = MODIFICATION.field("name", 8, 32);

  public static final Layout APPEND_STORAGE = new Layout("blksnap_snapshot_append_storage", 40);
  public static final Field APPEND_ID = APPEND_STORAGE.field("id", 0, 16);
  public static final Field APPEND_PATH = APPEND_STORAGE.field("devpath", 16, 8);
  public static final Field APPEND_COUNT = APPEND_STORAGE.field("count", 24, 4);
  public static final Field APPEND_RANGES = APPEND_STORAGE.field("ranges", 32, 8);

  public static final Layout NAME = new Layout("bdevfilter_name", 40);
  public static final Field NAME_PATH = NAME.field("devpath", 0, 8);
  public static final Field NAME_NAME = NAME.field("name", 8, 32);

  public static final Layout ATTACH = new Layout("bdevfilter_attach", 56);
  public static final Field ATTACH_PATH = ATTACH.field("devpath", 0, 8);
  public static final Field ATTACH_NAME = ATTACH.field("name", 8, 32);
  public static final Field ATTACH_OPT = ATTACH.field("opt", 40, 8);
  public static final Field ATTACH_OPTLEN = ATTACH.field("optlen", 48, 4);

  public static final Layout CTL = new Layout("bdevfilter_ctl", 56);
  public static final Field CTL_PATH = CTL.field("devpath", 0, 8);
  public static final Field CTL_NAME = CTL.field("name", 8, 32);
  public static final Field CTL_CMD = CTL.field("cmd", 40, 4);
  public static final Field CTL_OPTLEN = CTL.field("optlen", 44, 4);
  public static final Field CTL_OPT = CTL.field("opt", 48, 8);

  private Veeam7() {}
}
