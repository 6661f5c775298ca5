// SPDX-License-Identifier: Apache-2.0
package org.blksnap.itests.karaf;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.Test;
import org.osgi.framework.Bundle;

/**
 * Each bundle is updated while clients write and verify over NBD and a snapshot is held: no request
 * fails, no connection is lost, and image, device and change map are what the oracle says.
 *
 * <p>The API is left out: a bundle updated after it is wired to the new one and sees nobody's
 * services until a refresh restarts everybody.
 */
public class HotSwapIT extends DistributionTestBase {
  private static final int DISK = 32 << 20;
  private static final int SWAPS = 3;

  /** Requests between two swaps. */
  private static final int BETWEEN = 500;

  /** P10. */
  private static final Duration P99 = Duration.ofMillis(250);

  /** What a client would take for a failure; far above what is usual, so that it is never luck. */
  private static final Duration LONGEST = Duration.ofSeconds(8);

  @Test
  public void trackerIsSwapped() throws Exception {
    swapUnderLoad("tracker");
  }

  @Test
  public void chunkIsSwapped() throws Exception {
    swapUnderLoad("chunk");
  }

  @Test
  public void diffstorageIsSwapped() throws Exception {
    swapUnderLoad("diffstorage");
  }

  @Test
  public void deviceIsSwapped() throws Exception {
    swapUnderLoad("device");
  }

  @Test
  public void nbdIsSwapped() throws Exception {
    swapUnderLoad("nbd");
  }

  @Test
  public void eventIsSwapped() throws Exception {
    swapUnderLoad("event");
  }

  @Test
  public void shellIsSwapped() throws Exception {
    swapUnderLoad("shell");
  }

  @Test
  public void ioctlIsSwapped() throws Exception {
    swapUnderLoad("ioctl");
  }

  @Test
  public void controlIsSwapped() throws Exception {
    swapUnderLoad("control");
  }

  @Test
  public void snapshotIsSwapped() throws Exception {
    swapUnderLoad("snapshot");
  }

  @Test
  public void aBlockDeviceGoesOnWhereItsBundleIsSwapped() throws Exception {
    swapUnderABlockDevice("device");
  }

  @Test
  public void aBlockDeviceGoesOnWhereTheTrackerIsSwapped() throws Exception {
    swapUnderABlockDevice("tracker");
  }

  @Test
  public void aBlockDeviceGoesOnWhereTheConductorIsSwapped() throws Exception {
    swapUnderABlockDevice("snapshot");
  }

  private void swapUnderABlockDevice(String name) throws Exception {
    if (LoopDevice.possible()) {
      swapUnderLoad(name, true);
    } else {
      System.out.println("SKIPPED, a loop device needs root: the swap of " + name);
    }
  }

  private void swapUnderLoad(String name) throws Exception {
    swapUnderLoad(name, false);
  }

  private SwappedDisk disk(boolean blockDevice) throws Exception {
    long seed = Long.getLong("seed", System.nanoTime());
    System.out.println("HotSwapIT seed " + seed);
    return new SwappedDisk(
        shell, Path.of(System.getProperty("karaf.data")), DISK, seed, blockDevice);
  }

  private void swapUnderLoad(String name, boolean blockDevice) throws Exception {
    try (SwappedDisk disk = disk(blockDevice)) {
      disk.start();
      progress(disk);
      long longest = 0;
      for (int i = 0; i < SWAPS; i++) {
        long begin = System.nanoTime();
        update(name);
        longest = Math.max(longest, System.nanoTime() - begin);
        progress(disk);
        disk.checkImageUnderLoad();
        disk.checkAtRest();
      }
      judge(blockDevice ? name + ", block" : name, disk, longest);
      assertEquals("connections lost", 0, disk.load().reconnects());
    }
  }

  /** The load has gone on by some requests, none of them failed. */
  private static void progress(SwappedDisk disk) {
    long wanted = disk.load().requests() + BETWEEN;
    Await.until(
        "the load goes on: " + disk.load().failures(),
        PATIENCE,
        () -> disk.load().requests() >= wanted || !disk.load().failures().isEmpty());
    assertEquals(List.of(), disk.load().failures());
  }

  private static void judge(String name, SwappedDisk disk, long swap) throws Exception {
    long[] times = disk.load().latencies();
    long p99 = times[times.length - 1 - times.length / 100];
    long longest = times[times.length - 1];
    System.out.printf(
        "P10 %-16s %7d requests, p99 %6.1f ms, longest %7.1f ms, longest update %7.1f ms, %d reconnects%n",
        name, times.length, p99 / 1e6, longest / 1e6, swap / 1e6, disk.load().reconnects());
    assertTrue(name + ": p99 is " + p99 / 1e6 + " ms", p99 <= P99.toNanos());
    assertTrue(name + ": the longest is " + longest / 1e6 + " ms", longest <= LONGEST.toNanos());
  }

  private Bundle bundle(String name) {
    for (Bundle bundle : context.getBundles()) {
      if (("org.blksnap." + name).equals(bundle.getSymbolicName())) {
        return bundle;
      }
    }
    throw new AssertionError("no bundle org.blksnap." + name);
  }

  /** The bundle as it lies in the distribution, given to the framework again. */
  private void update(String name) throws Exception {
    Bundle bundle = bundle(name);
    try (InputStream jar = Files.newInputStream(jar(name))) {
      bundle.update(jar);
    }
    Await.until(name + " is active", PATIENCE, () -> bundle.getState() == Bundle.ACTIVE);
  }

  private static Path jar(String name) throws Exception {
    Path versions = Path.of(System.getProperty("karaf.home"), "system/org/blksnap/blksnap-" + name);
    try (Stream<Path> files = Files.walk(versions)) {
      return files.filter(f -> f.toString().endsWith(".jar")).findFirst().orElseThrow();
    }
  }
}
