// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal.export;

import java.util.Arrays;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.BlockDevice;
import org.blksnap.contract.BlockDeviceContract;

/** What stands before a source's device changes nothing of what devices do. */
class SourceDeviceContractTest extends BlockDeviceContract {
  private final FakeDevice behind = filled();
  private final BlockDevice device = opened(behind);

  private static FakeDevice filled() {
    FakeDevice made = new FakeDevice("kept", CAPACITY);
    Arrays.fill(made.bytes, FILL);
    return made;
  }

  private static BlockDevice opened(FakeDevice behind) {
    try {
      return new Source(new FakeSource("kept", behind), 1).open(() -> {});
    } catch (BlksnapException e) {
      throw new AssertionError(e);
    }
  }

  @Override
  protected BlockDevice device() {
    return device;
  }

  @Override
  protected BlockDevice readOnly() {
    FakeDevice made = filled();
    made.readOnly = true;
    return opened(made);
  }
}
