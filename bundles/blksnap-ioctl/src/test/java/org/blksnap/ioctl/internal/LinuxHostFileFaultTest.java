// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.spi.host.HostFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(20)
class LinuxHostFileFaultTest {
  private final FaultyCalls calls = new FaultyCalls();
  private final LinuxHostFile file = new LinuxHostFile(calls, "/dev/some", 7);

  @Test
  void failureKeepsItsErrnoAndNamesCallPathAndRange() {
    calls.answer(-28);
    BlksnapException failure =
        assertThrows(BlksnapException.class, () -> file.allocate(4096, 8192));
    assertEquals(Errno.ENOSPC, failure.errno());
    assertEquals(
        "fallocate of 8192 bytes at 4096 on /dev/some: no space left", failure.getMessage());
  }

  @Test
  void errnoOutsideTheVocabularyIsEioAndItsNumberIsSaid() {
    calls.answer(-121);
    BlksnapException failure = assertThrows(BlksnapException.class, file::blockSize64);
    assertEquals(Errno.EIO, failure.errno());
    assertTrue(failure.getMessage().contains("errno 121"), failure.getMessage());
  }

  @Test
  void callBrokenOffByASignalIsMadeAgain() throws Exception {
    calls.answer(-4, -4, 0);
    file.punchHole(0, 4096);
    assertEquals(3, calls.asked.size());
  }

  @Test
  void endlessSignalsEndAtTheBound() {
    for (int i = 0; i <= LinuxHostFile.SIGNAL_RETRIES; i++) {
      calls.answer(-4);
    }
    BlksnapException failure = assertThrows(BlksnapException.class, () -> file.punchHole(0, 4096));
    assertEquals(Errno.EINTR, failure.errno());
  }

  @Test
  void seekPastTheLastDataAnswersMinusOne() throws Exception {
    calls.answer(-6);
    assertEquals(-1, file.seekData(0));
  }

  @Test
  void copyFallsBackFromReflinkAndGoesOnAfterShortAnswers() throws Exception {
    LinuxHostFile target = new LinuxHostFile(calls, "/dev/other", 8);
    calls.answer(-95, 1000, -4, 24);
    assertEquals(1024, file.copyRange(10, target, 20, 1024));
    assertEquals("copy 7@1010 8@1020 24", calls.asked.get(3));
  }

  @Test
  void copyReportsWhatWasCopiedBeforeAFailure() throws Exception {
    LinuxHostFile target = new LinuxHostFile(calls, "/dev/other", 8);
    calls.answer(-22, 512, -5);
    assertEquals(512, file.copyRange(0, target, 0, 1024));
  }

  @Test
  void copyBetweenDevicesThatCannotIsNotSupported() {
    LinuxHostFile target = new LinuxHostFile(calls, "/dev/other", 8);
    calls.answer(-18, -18);
    BlksnapException failure =
        assertThrows(BlksnapException.class, () -> file.copyRange(0, target, 0, 1024));
    assertEquals(Errno.EOPNOTSUPP, failure.errno());
  }

  @Test
  void aQuotaUsedUpIsLackOfSpace() {
    calls.answer(-122);
    BlksnapException failure = assertThrows(BlksnapException.class, () -> file.allocate(0, 4096));
    assertEquals(Errno.ENOSPC, failure.errno());
    assertEquals(
        "fallocate of 4096 bytes at 0 on /dev/some: disk quota exceeded; raise it, or use another"
            + " file system",
        failure.getMessage());
  }

  @Test
  void callAfterCloseIsRefusedAndTouchesNoDescriptor() {
    file.close();
    BlksnapException failure = assertThrows(BlksnapException.class, () -> file.punchHole(0, 512));
    assertEquals(Errno.EBADF, failure.errno());
    assertEquals(1, calls.asked.size());
  }

  @Test
  void closingTwiceClosesOnce() {
    file.close();
    file.close();
    assertEquals(1, calls.asked.size());
  }

  @Test
  void closeDuringACallWaitsWithTheDescriptorUntilTheCallHasEnded() throws Exception {
    CountDownLatch inside = new CountDownLatch(1);
    CountDownLatch leave = new CountDownLatch(1);
    FaultyCalls slow =
        new FaultyCalls() {
          @Override
          public int fallocate(int fd, int mode, long offset, long length) {
            inside.countDown();
            try {
              leave.await();
            } catch (InterruptedException e) {
              Thread.currentThread().interrupt();
            }
            return super.fallocate(fd, mode, offset, length);
          }
        };
    HostFile busy = new LinuxHostFile(slow, "/dev/busy", 9);
    AtomicReference<Throwable> failure = new AtomicReference<>();
    Thread worker =
        new Thread(
            () -> {
              try {
                busy.punchHole(0, 512);
              } catch (Throwable e) {
                failure.set(e);
              }
            });
    worker.start();
    assertTrue(inside.await(10, TimeUnit.SECONDS));
    busy.close();
    assertFalse(slow.asked.contains("close 9"), "closed under a call");
    assertThrows(BlksnapException.class, () -> busy.punchHole(0, 512));
    leave.countDown();
    worker.join();
    assertEquals(null, failure.get());
    assertEquals(java.util.List.of("fallocate 9", "close 9"), slow.asked);
  }

  @Test
  void failedFreezeStillGivesItsDescriptorBack() {
    calls.answer(11, -16);
    BlksnapException failure =
        assertThrows(
            BlksnapException.class, () -> new LinuxHostOperations(calls).freeze(Path.of("/mnt")));
    assertEquals(Errno.EBUSY, failure.errno());
    assertEquals("close 11", calls.asked.get(2));
  }

  @Test
  void exclusiveOpenAsksForExclAndNeverCreates() throws Exception {
    calls.answer(3);
    new LinuxHostOperations(calls).open(Path.of("/dev/some"), true, true);
    assertEquals("open /dev/some 80082", calls.asked.get(0));
  }
}
