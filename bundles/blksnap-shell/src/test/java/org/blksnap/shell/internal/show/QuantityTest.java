// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.show;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.time.Duration;
import org.blksnap.api.block.BlksnapException;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class QuantityTest {
  @ParameterizedTest
  @CsvSource({
    "0,0",
    "512,512",
    "7B,7",
    "3s,1536",
    "1K,1024",
    "64k,65536",
    "2MiB,2097152",
    "1G,1073741824",
    "1TiB,1099511627776",
    "2 P,2251799813685248"
  })
  void sizeIsReadWithItsUnit(String text, long bytes) throws Exception {
    assertEquals(bytes, Quantity.bytes("size", text));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "-1", "1.5G", "5KB", "12X", "9E", "99999999999999999999", "10ib"})
  void wrongSizeIsRefused(String text) {
    assertThrows(BlksnapException.class, () -> Quantity.bytes("size", text));
  }

  @ParameterizedTest
  @CsvSource({"0,0 B", "1023,1023 B", "1024,1 KiB", "1536,1.5 KiB", "1099511627776,1 TiB"})
  void sizeIsWrittenForPeople(long bytes, String text) {
    assertEquals(text, Quantity.text(bytes));
  }

  @ParameterizedTest
  @CsvSource({"0,0", "500ms,500", "10s,10000", "2m,120000", "24h,86400000"})
  void durationIsReadWithItsUnit(String text, long millis) throws Exception {
    assertEquals(Duration.ofMillis(millis), Quantity.duration("--timeout", text));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "10", "1d", "25h", "-1s", "9999999999999999999s"})
  void wrongDurationIsRefused(String text) {
    assertThrows(BlksnapException.class, () -> Quantity.duration("--timeout", text));
  }
}
