// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.dispatch;

import java.nio.file.Path;

/**
 * The program that called, for as long as its call lasts. Thread rule: the thread that serves the
 * call.
 */
public interface Caller extends CallerMemory {
  /** What a path that is not absolute begins with: the program's working directory. */
  Path directory();

  /**
   * Whether a wait is to end with EINTR. Asked some 20 times a second while a call waits. {@link
   * CallerGone}: nobody waits any more.
   */
  boolean interrupted() throws CallerGone;

  /**
   * Something was written into the caller's memory, but the call goes on to wait: it may be
   * interrupted again.
   */
  void goesOnWaiting() throws CallerGone;
}
