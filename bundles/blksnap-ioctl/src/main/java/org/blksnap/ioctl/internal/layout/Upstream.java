// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.layout;

import org.blksnap.ioctl.internal.layout.Layout.Field;

/**
 * What the upstream kernels have otherwise than {@link Seed} (reference, section 8). The other
 * structs are the seed's: version, uuid, sectors, collect, event, name, ctl, and the options of
 * ctl.
 *
 * <pre>
 * nr  control call             word        argument
 *  0  version                  0x80085600  version         8
 *  1  snapshot_create          0xc0205601  create         32
 *  2  snapshot_destroy         0x40105602  uuid           16
 *  3  snapshot_take            0x40105603  uuid           16
 *  4  snapshot_collect         0x80105604  collect        16
 *  5  snapshot_wait_event      0x90005605  event        4096
 *
 *     filter call              v6, v7      6.15        argument
 *     BLKFILTER_ATTACH         0xc020128c              name           32
 *     BLKFILTER_ATTACH                     0xc030128e  attach         48
 *     BLKFILTER_DETACH         0xc020128d  0xc020128f  name           32
 *     BLKFILTER_CTL            0xc030128e  0xc0301290  ctl            48
 *
 * struct          field offset/size
 * create (v7)     diff_storage_limit_sect 0/8  diff_storage_filename 8/8  id 16/16    size 32
 * create (v6)     diff_storage_limit_sect 0/8  diff_storage_fd 8/4  id 12/16          size 32
 * attach          name 0/32  opt 32/8  optlen 40/4                                    size 48
 *
 * code of an event   corrupted 0   no_space 1 (6.15 alone; its data is low_free_space)
 * </pre>
 *
 * <p>The word that controls a filter in v6 and v7 is the one that attaches it in 6.15: who mistakes
 * one for the other changes a device instead of asking about it.
 */
public final class Upstream {
  public static final long VERSION_CALL = 0x80085600L;
  public static final long CREATE_CALL = 0xc0205601L;
  public static final long DESTROY_CALL = 0x40105602L;
  public static final long TAKE_CALL = 0x40105603L;
  public static final long COLLECT_CALL = 0x80105604L;
  public static final long WAIT_EVENT_CALL = 0x90005605L;

  public static final long ATTACH_CALL_6_15 = 0xc030128eL;
  public static final long DETACH_CALL_6_15 = 0xc020128fL;
  public static final long CTL_CALL_6_15 = 0xc0301290L;

  public static final int EVENT_CORRUPTED = 0;
  public static final int EVENT_NO_SPACE = 1;

  /** Of v7 and later. */
  public static final Layout CREATE = new Layout("blksnap_snapshot_create", 32);

  public static final Field CREATE_LIMIT = CREATE.field("diff_storage_limit_sect", 0, 8);
  public static final Field CREATE_FILENAME = CREATE.field("diff_storage_filename", 8, 8);
  public static final Field CREATE_ID = CREATE.field("id", 16, 16);

  /** Of v6: bytes have no alignment, so the id follows the descriptor at once. */
  public static final Layout CREATE_6 = new Layout("blksnap_snapshot_create", 32);

  public static final Field CREATE_6_LIMIT = CREATE_6.field("diff_storage_limit_sect", 0, 8);
  public static final Field CREATE_6_FD = CREATE_6.field("diff_storage_fd", 8, 4);
  public static final Field CREATE_6_ID = CREATE_6.field("id", 12, 16);

  public static final Layout ATTACH = new Layout("blkfilter_attach", 48);
  public static final Field ATTACH_NAME = ATTACH.field("name", 0, 32);
  public static final Field ATTACH_OPT = ATTACH.field("opt", 32, 8);
  public static final Field ATTACH_OPTLEN = ATTACH.field("optlen", 40, 4);

  private Upstream() {}
}
