// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal.record;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Gives a directory away; needs root. */
class HotBaseTest {
  private static final int SOMEBODY = 1_999_999_999;

  @TempDir Path runtime;

  @Test
  void aRuntimeDirectoryIsUsedOnlyWhereItIsOurs() throws Exception {
    Path ours = runtime.resolve("blksnap");
    List<String> reasons = new ArrayList<>();
    assertTrue(HotBase.candidates(runtime.toString(), reasons).contains(ours));
    assertEquals(List.of(), reasons);

    Files.setAttribute(runtime, "unix:uid", SOMEBODY);
    assertFalse(HotBase.candidates(runtime.toString(), reasons).contains(ours));
    assertEquals(List.of(runtime + ": it belongs to user " + SOMEBODY), reasons);
  }
}
