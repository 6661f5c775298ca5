// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal.export;

import java.util.Arrays;
import org.blksnap.api.block.BlockDevice;
import org.blksnap.contract.BlockDeviceContract;

/** The double keeps to what devices do. */
class FakeDeviceContractTest extends BlockDeviceContract {
  private final FakeDevice device = filled("disk");

  private static FakeDevice filled(String name) {
    FakeDevice made = new FakeDevice(name, CAPACITY);
    Arrays.fill(made.bytes, FILL);
    return made;
  }

  @Override
  protected BlockDevice device() {
    return device;
  }

  @Override
  protected BlockDevice readOnly() {
    FakeDevice made = filled("constant");
    made.readOnly = true;
    return made;
  }
}
