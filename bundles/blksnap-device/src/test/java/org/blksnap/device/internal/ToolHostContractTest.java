// SPDX-License-Identifier: Apache-2.0
package org.blksnap.device.internal;

import org.blksnap.contract.HostContract;
import org.blksnap.spi.host.HostOperations;

/** The double keeps to what the real one does. */
class ToolHostContractTest extends HostContract {
  private final ToolHost host = new ToolHost();

  @Override
  protected HostOperations host() {
    return host;
  }
}
