// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.module;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Errno;
import org.blksnap.ioctl.internal.layout.Upstream;
import org.blksnap.spi.module.SnapshotSeed;
import org.junit.jupiter.api.Test;

/** What the upstream kernels do otherwise than the seed. */
class UpstreamModuleTest extends ModuleFixture {
  private static final SnapshotSeed ON_FILE =
      new SnapshotSeed(List.of(), Optional.of(Path.of("/var/storage")), 1 << 20);

  @Test
  void upstreamSixIsHandedAnOpenFile() throws Exception {
    loadUpstream(Errno.EINVAL);
    kernel.on(
        Upstream.CREATE_CALL,
        argument -> {
          assertEquals("/var/storage", kernel.open.get((int) Upstream.CREATE_6_FD.get(argument)));
          assertEquals(2048, Upstream.CREATE_6_LIMIT.get(argument));
          Upstream.CREATE_6_ID.put(argument, ID);
          return 0;
        });
    assertEquals(ID, module.create(ON_FILE));
    assertEquals(1, kernel.count("close /var/storage"));
    kernel.refuseOpen(Errno.EROFS.code());
    refused(Errno.EROFS, () -> module.create(ON_FILE));
    kernel.on(Upstream.CREATE_CALL, argument -> -Errno.ENOMEM.code());
    refused(Errno.ENOMEM, () -> module.create(ON_FILE));
    assertEquals(2, kernel.count("close /var/storage"));
  }

  @Test
  void upstreamSevenIsToldTheNameOfTheFile() throws Exception {
    loadUpstream(Errno.EFAULT);
    kernel.on(
        Upstream.CREATE_CALL,
        argument -> {
          assertEquals("/var/storage", kernel.text(Upstream.CREATE_FILENAME.get(argument)));
          Upstream.CREATE_ID.put(argument, ID);
          return 0;
        });
    assertEquals(ID, module.create(ON_FILE));
    module.take(ID);
    module.collect();
    module.destroy(ID);
    module.version();
    assertEquals(
        List.of(
            "blksnap-control c0205601",
            "blksnap-control 40105603",
            "blksnap-control 80105604",
            "blksnap-control 40105602",
            "blksnap-control 80085600"),
        words());
  }

  @Test
  void upstreamRefusesWhatItCannot() throws Exception {
    loadUpstream(Errno.EFAULT);
    String said = refused(Errno.EINVAL, () -> module.create(SnapshotSeed.NONE));
    assertTrue(said.contains("has to be told its storage file"), said);
    said =
        refused(
            Errno.EOPNOTSUPP,
            () -> module.appendStorage(ID, disk, List.of(new ByteRange(0, 4096))));
    assertTrue(said.contains("blksnap upstream v7 has no such call"), said);
    refused(
        Errno.EOPNOTSUPP,
        () -> module.create(new SnapshotSeed(List.of(disk), Optional.of(root), 0)));
    refused(Errno.EINVAL, () -> module.create(new SnapshotSeed(List.of(), Optional.of(root), 513)));
    assertEquals(List.of(), kernel.asked);
  }

  @Test
  void upstreamSevenFiltersAsTheSeed() throws Exception {
    loadUpstream(Errno.EFAULT);
    module.attach(disk);
    module.addDevice(ID, disk);
    module.detach(disk);
    assertEquals(List.of("sda c020128c", "sda c030128e", "sda c020128d"), words());
  }

  @Test
  void linux615HasOtherFilterCalls() throws Exception {
    loadLinux615();
    module.attach(disk);
    module.addDevice(ID, disk);
    module.detach(disk);
    assertEquals(List.of("sda c030128e", "sda c0301290", "sda c020128f"), words());
    assertEquals("626c6b736e6170" + "00".repeat(41), kernel.arguments.get(0));
  }
}
