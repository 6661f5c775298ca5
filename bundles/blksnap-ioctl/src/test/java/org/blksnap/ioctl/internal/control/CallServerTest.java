// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.control;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.blksnap.api.block.Errno;
import org.blksnap.ioctl.internal.dispatch.ControlDispatcher;
import org.blksnap.ioctl.internal.dispatch.ModelEngine;
import org.blksnap.ioctl.internal.layout.Seed;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class CallServerTest {
  private static final Duration STALL = Duration.ofMillis(400);

  @TempDir private Path directory;

  private final ModelEngine engine = new ModelEngine().waiting();
  private Path socket;
  private CallServer server;

  @BeforeEach
  void start() throws IOException {
    socket = directory.resolve("control.sock");
    server = started();
  }

  private CallServer started() throws IOException {
    return new CallServer(socket, new ControlDispatcher(engine::service, Duration.ZERO), STALL);
  }

  @AfterEach
  void stop() {
    server.close();
  }

  private static long threads() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().matches("blksnap-ioctl-[0-9]+"))
        .count();
  }

  private static void awaitThreads(long wanted) throws InterruptedException {
    for (int i = 0; i < 500 && threads() != wanted; i++) {
      Thread.sleep(20);
    }
    assertEquals(wanted, threads());
  }

  private byte[] created() throws IOException {
    try (Client client = new Client(socket).call((int) Seed.CREATE_CALL, Client.BASE)) {
      assertEquals(0, client.result());
      return Arrays.copyOf(client.memory, 16);
    }
  }

  /** A wait that has begun: the first event is there already, and taken. */
  private Client waiting(byte[] id) throws IOException {
    Client client = new Client(socket);
    System.arraycopy(id, 0, client.memory, 0, 16);
    Arrays.fill(client.memory, 16, 20, (byte) 0xff);
    client.call((int) Seed.WAIT_EVENT_CALL, Client.BASE);
    client.serve(client.frame());
    return client;
  }

  private void takeEvent(byte[] id) throws IOException {
    try (Client client = waiting(id)) {
      assertEquals(0, client.result());
    }
  }

  @Test
  void aCallIsCarriedOut() throws IOException {
    try (Client client = new Client(socket).call((int) Seed.VERSION_CALL, Client.BASE + 8)) {
      assertArrayEquals(new long[] {2, 8, Client.BASE + 8}, client.frame());
      assertArrayEquals(new byte[] {2, 0, 0, 0, 0, 0, 0, 0}, client.hear(8).array());
      client.say(ByteBuffer.allocate(4));
      assertArrayEquals(new long[] {3, 0, 0}, client.frame());
      assertThrows(EOFException.class, client::frame, "one call a connection");
    }
  }

  @Test
  void aFaultOfTheCallerIsItsAnswer() throws IOException {
    try (Client client = new Client(socket).call((int) Seed.VERSION_CALL, 4)) {
      assertEquals(Errno.EFAULT.code(), client.result());
    }
  }

  @Test
  void anArrayComesInSlices() throws IOException {
    byte[] id = created();
    Path storage = Files.createFile(directory.resolve("diff"));
    try (Client client = new Client(socket)) {
      ByteBuffer struct = ByteBuffer.wrap(client.memory).order(ByteOrder.LITTLE_ENDIAN);
      byte[] path = storage.toString().getBytes();
      struct.put(id).putLong(Client.BASE + 64).putInt(path.length).putInt(1000);
      struct.putLong(Client.BASE + 8192).put(64, path);
      for (int i = 0; i < 1000; i++) {
        struct.putLong(8192 + 16 * i, 8L * i).putLong(8200 + 16 * i, 8);
      }
      assertEquals(0, client.call((int) Seed.APPEND_STORAGE_CALL, Client.BASE).result());
      assertEquals(2 + 4, client.reads(), "the struct, the path, and 16,000 bytes");
    }
  }

  @Test
  void onlyItsOwnerMayConnect() throws IOException {
    assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(socket)));
    server.close();
    assertFalse(Files.exists(socket));
    server.close();
  }

  @Test
  void whoTellsNoSenseIsHungUpOn() throws IOException, InterruptedException {
    Random random = new Random(4711);
    for (int i = 0; i < 50; i++) {
      byte[] said = new byte[200];
      random.nextBytes(said);
      try (Client client = new Client(socket).say(ByteBuffer.wrap(said))) {
        assertThrows(IOException.class, client::frame);
      }
    }
    awaitThreads(0);
  }

  @Test
  void anotherVersionIsToldSo() throws IOException {
    ByteBuffer call = ByteBuffer.allocate(56).order(ByteOrder.LITTLE_ENDIAN);
    call.putLong(0, CallFrame.MAGIC).putShort(8, (short) 2);
    try (Client client = new Client(socket).say(call)) {
      assertArrayEquals(new long[] {3, 93, 0}, client.frame());
    }
  }

  @Test
  void whoStallsCostsAThreadForAWhile() throws IOException, InterruptedException {
    try (Client silent = new Client(socket);
        Client halfway = new Client(socket).call((int) Seed.VERSION_CALL, Client.BASE)) {
      halfway.frame();
      awaitThreads(2);
      awaitThreads(0);
      assertThrows(IOException.class, silent::frame);
      halfway.hear(8);
      assertThrows(IOException.class, halfway::frame);
    }
  }

  @Test
  void whoDiesWhileItsSnapshotIsMadeLeavesNone() throws IOException, InterruptedException {
    try (Client client = new Client(socket).call((int) Seed.CREATE_CALL, Client.BASE)) {
      client.serve(client.frame());
      client.frame();
    }
    awaitThreads(0);
    assertTrue(engine.service().collect().isEmpty());
  }

  @Test
  void whoDiesWhileItWaitsIsNoticed() throws IOException, InterruptedException {
    byte[] id = created();
    takeEvent(id);
    Client client = waiting(id);
    awaitThreads(1);
    Thread.sleep(2 * STALL.toMillis());
    assertEquals(1, threads(), "to wait is not to stall");
    client.close();
    awaitThreads(0);
  }

  @Test
  void anEventWhoseReceiverDiesIsThereForTheNext() throws IOException, InterruptedException {
    byte[] id = created();
    try (Client client = waiting(id)) {
      assertEquals(2, client.frame()[0]);
    }
    awaitThreads(0);
    takeEvent(id);
  }

  @Test
  void aStopEndsWaitsWithAnInterruptAndAClientComesAgain() throws IOException {
    byte[] id = created();
    takeEvent(id);
    try (Client client = waiting(id)) {
      server.close();
      assertEquals(Errno.EINTR.code(), client.result());
    }
    assertThrows(IOException.class, () -> new Client(socket));
    server = started();
    try (Client client = new Client(socket).call((int) Seed.VERSION_CALL, Client.BASE)) {
      assertEquals(0, client.result());
    }
  }

  @Test
  void callsAtOnceHaveABound() throws IOException, InterruptedException {
    byte[] id = created();
    takeEvent(id);
    List<Client> waiting = new ArrayList<>();
    try {
      for (int i = 0; i < CallServer.MOST_CALLS; i++) {
        waiting.add(waiting(id));
      }
      try (Client client = new Client(socket)) {
        assertArrayEquals(new long[] {3, Errno.EAGAIN.code(), 0}, client.frame());
      }
      waiting.remove(0).close();
      awaitThreads(CallServer.MOST_CALLS - 1);
      try (Client client = new Client(socket).call((int) Seed.VERSION_CALL, Client.BASE)) {
        assertEquals(0, client.result());
      }
    } finally {
      for (Client client : waiting) {
        client.close();
      }
    }
    awaitThreads(0);
  }
}
