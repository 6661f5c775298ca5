// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.module;

import org.blksnap.ioctl.internal.layout.Seed;
import org.blksnap.ioctl.internal.layout.Upstream;
import org.blksnap.ioctl.internal.layout.Veeam6;

/** The request words of the control calls that every dialect has, with one argument in all. */
record CallWords(long version, long destroy, long take, long collect, long waitEvent) {
  static final CallWords SEED =
      new CallWords(
          Seed.VERSION_CALL,
          Seed.DESTROY_CALL,
          Seed.TAKE_CALL,
          Seed.COLLECT_CALL,
          Seed.WAIT_EVENT_CALL);

  /** Also of Veeam 7. */
  static final CallWords UPSTREAM =
      new CallWords(
          Upstream.VERSION_CALL,
          Upstream.DESTROY_CALL,
          Upstream.TAKE_CALL,
          Upstream.COLLECT_CALL,
          Upstream.WAIT_EVENT_CALL);

  static final CallWords VEEAM_6 =
      new CallWords(
          Veeam6.VERSION_CALL,
          Veeam6.DESTROY_CALL,
          Veeam6.TAKE_CALL,
          Veeam6.COLLECT_CALL,
          Veeam6.WAIT_EVENT_CALL);
}
