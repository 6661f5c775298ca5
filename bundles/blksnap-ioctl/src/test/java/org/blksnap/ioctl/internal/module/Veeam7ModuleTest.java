// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.module;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Errno;
import org.blksnap.ioctl.internal.layout.Seed;
import org.blksnap.ioctl.internal.layout.Upstream;
import org.blksnap.ioctl.internal.layout.Veeam7;
import org.blksnap.spi.module.SnapshotSeed;
import org.junit.jupiter.api.Test;

/** What Veeam 7 does otherwise than upstream. */
class Veeam7ModuleTest extends ModuleFixture {
  @Test
  void veeamSevenNamesDevicesToItsNodeOfFilters() throws Exception {
    loadVeeam7();
    kernel.on(
        Veeam7.ATTACH_CALL,
        argument -> {
          assertEquals(disk.toString(), kernel.text(Veeam7.NAME_PATH.get(argument)));
          assertEquals("blksnap", Veeam7.NAME_NAME.text(argument));
          return 0;
        });
    kernel.on(
        Veeam7.CTL_CALL,
        argument -> {
          assertEquals(disk.toString(), kernel.text(Veeam7.CTL_PATH.get(argument)));
          assertEquals(Seed.CTL_SNAPSHOTADD, Veeam7.CTL_CMD.get(argument));
          assertEquals(16, Veeam7.CTL_OPTLEN.get(argument));
          assertEquals(ID, Seed.UUID_B.uuid(kernel.at(Veeam7.CTL_OPT.get(argument))));
          return 0;
        });
    module.attach(disk);
    module.addDevice(ID, disk);
    module.detach(disk);
    assertEquals(
        List.of("bdevfilter c028468c", "bdevfilter c038468e", "bdevfilter c028468d"), words());
  }

  @Test
  void aLaterVeeamSevenTakesTheLongAttach() throws Exception {
    loadVeeam7();
    kernel.on(Veeam7.ATTACH_CALL, argument -> -Errno.ENOTTY.code());
    module.attach(disk);
    assertEquals(List.of("bdevfilter c028468c", "bdevfilter c038468c"), words());
    kernel.on(Veeam7.ATTACH_CALL, argument -> -Errno.EALREADY.code());
    refused(Errno.EALREADY, () -> module.attach(disk));
    assertEquals(3, words().size());
  }

  @Test
  void veeamSevenTakesAFileOrRanges() throws Exception {
    loadVeeam7();
    kernel.on(
        Upstream.CREATE_CALL,
        argument -> {
          assertEquals(0, Upstream.CREATE_FILENAME.get(argument));
          Upstream.CREATE_ID.put(argument, ID);
          return 0;
        });
    assertEquals(ID, module.create(SnapshotSeed.NONE));
    kernel.on(
        Veeam7.APPEND_STORAGE_CALL,
        argument -> {
          assertEquals(ID, Veeam7.APPEND_ID.uuid(argument));
          assertEquals(disk.toString(), kernel.text(Veeam7.APPEND_PATH.get(argument)));
          assertEquals(1, Veeam7.APPEND_COUNT.get(argument));
          assertEquals(8, kernel.at(Veeam7.APPEND_RANGES.get(argument)).getLong(8));
          return 0;
        });
    module.appendStorage(ID, disk, List.of(new ByteRange(0, 4096)));
  }

  @Test
  void vendorsSayAWordOfTheirOwn() throws Exception {
    loadVeeam7();
    kernel.on(
        Veeam7.MODIFICATION_CALL,
        argument -> {
          Veeam7.MODIFICATION_NAME.put(argument, "VAL");
          return 0;
        });
    kernel.on(Veeam7.MODIFICATION_CALL, argument -> -Errno.ENOTTY.code());
    assertEquals("VAL", module.modification());
    assertEquals("", module.modification());
  }
}
