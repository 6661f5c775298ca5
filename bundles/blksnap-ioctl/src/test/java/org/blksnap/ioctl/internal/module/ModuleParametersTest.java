// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.module;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.util.List;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.junit.jupiter.api.Test;

class ModuleParametersTest extends ModuleFixture {
  @Test
  void parametersAreTheModulesOwnInAKnownOrder() throws Exception {
    tree.module("blksnap", "zeta=1", "alpha=2", "name=text");
    loadUpstream(Errno.EFAULT);
    assertEquals(
        List.of(
            "tracking_block_minimum_shift",
            "tracking_block_maximum_count",
            "tracking_block_maximum_shift",
            "chunk_minimum_shift",
            "chunk_maximum_count_shift",
            "chunk_maximum_shift",
            "chunk_maximum_in_queue",
            "free_diff_buffer_pool_size",
            "diff_storage_minimum",
            "alpha",
            "zeta"),
        List.copyOf(module.parameters().keySet()));
    module.setParameter("zeta", -5);
    assertEquals(-5, module.parameters().get("zeta"));
    String said = refused(Errno.ENOENT, () -> module.setParameter("chunk_maximum_count", 1));
    assertTrue(said.contains("chunk_maximum_count_shift"), said);
    refused(Errno.ENOENT, () -> module.setParameter("../parameters/zeta", 1));
    refused(Errno.ENOENT, () -> module.setParameter("", 1));
    Files.delete(tree.parameters("blksnap").resolve("zeta"));
    refused(Errno.ENOENT, () -> module.setParameter("zeta", 1));
    assertTrue(Files.notExists(tree.parameters("blksnap").resolve("zeta")), "made a file");
    Files.createDirectory(tree.parameters("blksnap").resolve("zeta"));
    said = assertThrows(BlksnapException.class, () -> module.setParameter("zeta", 1)).toString();
    assertTrue(said.startsWith("parameter zeta=1: "), said);
  }
}
