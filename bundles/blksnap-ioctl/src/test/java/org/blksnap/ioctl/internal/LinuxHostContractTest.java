// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal;

import org.blksnap.contract.HostContract;
import org.blksnap.spi.host.HostOperations;

/** The real calls through JNA. */
class LinuxHostContractTest extends HostContract {
  @Override
  protected HostOperations host() throws Exception {
    return new LinuxHostOperations();
  }
}
