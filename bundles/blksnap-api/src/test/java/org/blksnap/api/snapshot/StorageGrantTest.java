// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.snapshot;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.file.Path;
import java.util.List;
import org.blksnap.api.block.ByteRange;
import org.junit.jupiter.api.Test;

class StorageGrantTest {
  private static String given(StorageGrant grant) throws Exception {
    StringBuilder said = new StringBuilder();
    grant.give(
        new StorageGrant.Recipient() {
          @Override
          public void ranges(Path fileOrDevice, List<ByteRange> ranges) {
            said.append(fileOrDevice).append(ranges);
          }

          @Override
          public void directory(Path directory, long limit) {
            said.append(directory).append(" up to ").append(limit);
          }

          @Override
          public void memory(long bytes) {
            said.append("memory ").append(bytes);
          }
        });
    return said.toString();
  }

  @Test
  void eachIsGivenAsItWasSaid() throws Exception {
    assertEquals("null up to 0", given(StorageGrant.byDefault()));
    assertEquals("null up to 512", given(StorageGrant.byDefault(512)));
    assertEquals("/d up to 0", given(StorageGrant.directory(Path.of("/d"), 0)));
    assertEquals("/f[]", given(StorageGrant.all(Path.of("/f"))));
    assertEquals("memory 1024", given(StorageGrant.memory(1024)));
  }

  @Test
  void noPathIsNotTheEnginesChoice() {
    assertThrows(NullPointerException.class, () -> StorageGrant.directory(null, 1 << 20));
    assertThrows(NullPointerException.class, () -> StorageGrant.all(null));
  }

  @Test
  void aLimitBelowZeroIsNotTheEnginesChoice() {
    assertThrows(IllegalArgumentException.class, () -> StorageGrant.byDefault(-1));
    assertThrows(IllegalArgumentException.class, () -> StorageGrant.directory(Path.of("/d"), -512));
  }
}
