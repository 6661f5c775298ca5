// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.block;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.WritableByteChannel;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class FollowingDeviceTest {
  private static final int SIZE = 256 << 10;

  /** Its bytes are those of an array; from a request on it is gone. */
  private static class Mortal implements BlockDevice {
    final byte[] bytes;
    int lives;
    Errno dying = Errno.ESHUTDOWN;

    Mortal(byte[] bytes, int lives) {
      this.bytes = bytes;
      this.lives = lives;
    }

    private void live() throws BlksnapException {
      if (lives-- <= 0) {
        throw new BlksnapException(dying, "gone");
      }
    }

    @Override
    public String name() {
      return "disk";
    }

    @Override
    public Geometry geometry() {
      return new Geometry(SIZE, 512, 512, 512, false, false);
    }

    /** Moves the buffer before it dies, as one does that fails in the middle. */
    @Override
    public void read(ByteBuffer dst, long offset) throws IOException {
      int length = dst.remaining();
      if (lives <= 0) {
        dst.put(new byte[Math.min(length, 3)]);
      }
      live();
      dst.put(bytes, (int) offset, length);
    }

    @Override
    public void write(ByteBuffer src, long offset, IoFlags flags) throws IOException {
      int length = src.remaining();
      if (lives <= 0) {
        src.position(src.position() + Math.min(length, 3));
      }
      live();
      src.get(bytes, (int) offset, length);
    }

    @Override
    public void discard(long offset, long length, IoFlags flags) throws IOException {
      live();
    }

    @Override
    public void writeZeroes(long offset, long length, IoFlags flags) throws IOException {
      live();
    }

    @Override
    public void flush() throws IOException {
      live();
    }

    @Override
    public void transferTo(long offset, long length, WritableByteChannel target)
        throws IOException {
      live();
    }

    @Override
    public List<AllocationExtent> allocation(long offset, long length, int limit)
        throws IOException {
      live();
      return List.of();
    }
  }

  private final byte[] bytes = new byte[SIZE];

  private FollowingDevice chain(int lives, int successors) {
    int[] left = {successors};
    return new FollowingDevice(
        new Mortal(bytes, lives),
        gone -> left[0]-- > 0 ? Optional.of(new Mortal(bytes, lives)) : Optional.empty());
  }

  @Test
  void everyRequestIsDoneAgainWithTheSuccessorFromItsBeginning() throws Exception {
    FollowingDevice device = chain(1, 20);
    for (int i = 0; i < 4; i++) {
      device.write(ByteBuffer.wrap("0123456789".getBytes("US-ASCII")), i * 10L, IoFlags.NONE);
    }
    for (int i = 0; i < 4; i++) {
      ByteBuffer read = ByteBuffer.allocate(10);
      device.read(read, i * 10L);
      assertEquals("0123456789", new String(read.array(), "US-ASCII"));
    }
    device.flush();
    device.discard(0, 1, IoFlags.NONE);
    device.writeZeroes(0, 1, IoFlags.NONE);
    assertEquals(List.of(), device.allocation(0, 1, 1));
  }

  @Test
  void aTransferGoesOnWhereItWas() throws Exception {
    new java.util.Random(4).nextBytes(bytes);
    ByteArrayOutputStream taken = new ByteArrayOutputStream();
    chain(1, 20).transferTo(5, SIZE - 10, Channels.newChannel(taken));
    assertEquals(
        ByteBuffer.wrap(bytes, 5, SIZE - 10).slice(), ByteBuffer.wrap(taken.toByteArray()));
  }

  @Test
  void withoutASuccessorItIsShutDownAndOtherFailuresAreItsOwn() {
    assertEquals(Errno.ESHUTDOWN, assertThrows(BlksnapException.class, chain(0, 0)::flush).errno());
    Mortal sick = new Mortal(bytes, 0);
    sick.dying = Errno.EIO;
    FollowingDevice device = new FollowingDevice(sick, gone -> Optional.empty());
    assertEquals(Errno.EIO, assertThrows(BlksnapException.class, device::flush).errno());
    assertSame(sick, device.present());
  }

  @Test
  @Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
  void successorsThatAreAllGoneEndARequest() {
    int[] asked = {0};
    FollowingDevice device =
        new FollowingDevice(
            new Mortal(bytes, 0),
            gone -> {
              asked[0]++;
              return Optional.of(new Mortal(bytes, 0));
            });
    assertEquals(Errno.ESHUTDOWN, assertThrows(BlksnapException.class, device::flush).errno());
    assertEquals(FollowingDevice.MOST_SUCCESSORS, asked[0]);
  }

  @Test
  @Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
  void requestsShareASearchThatFindsNobody() throws Exception {
    int requests = 8;
    AtomicInteger searches = new AtomicInteger();
    AtomicReference<FollowingDevice> itself = new AtomicReference<>();
    Mortal dead = new Mortal(bytes, 0);
    List<Thread> threads = new ArrayList<>();
    itself.set(
        new FollowingDevice(
            dead,
            gone -> {
              searches.incrementAndGet();
              waitUntilAllOthersWait(threads);
              return Optional.empty();
            }));
    List<Errno> answers = Collections.synchronizedList(new ArrayList<>());
    for (int i = 0; i < requests; i++) {
      threads.add(
          new Thread(
              () ->
                  answers.add(
                      assertThrows(BlksnapException.class, () -> itself.get().flush()).errno())));
    }
    threads.forEach(Thread::start);
    for (Thread thread : threads) {
      thread.join();
    }
    assertEquals(Collections.nCopies(requests, Errno.ESHUTDOWN), answers);
    assertEquals(1, searches.get());
    assertThrows(BlksnapException.class, () -> itself.get().flush());
    assertEquals(2, searches.get(), "a later request looks again");
  }

  private static void waitUntilAllOthersWait(List<Thread> threads) {
    while (threads.stream()
        .anyMatch(
            t ->
                t != Thread.currentThread()
                    && t.getState() != Thread.State.BLOCKED
                    && t.getState() != Thread.State.TERMINATED)) {
      Thread.onSpinWait();
    }
  }

  @Test
  void aSuccessorMaySayInItsOwnWordsWhyThereIsNone() {
    Mortal gone = new Mortal(bytes, 0);
    FollowingDevice device =
        new FollowingDevice(
            gone,
            same -> {
              throw new BlksnapException(Errno.EBUSY, "all taken");
            });
    BlksnapException failure = assertThrows(BlksnapException.class, device::flush);
    assertEquals("all taken [EBUSY]", failure.toString());
    assertEquals("gone", failure.getSuppressed()[0].getMessage());
    assertSame(gone, device.present());
  }
}
