// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.handover.HandoverShelf;
import org.blksnap.api.health.Finding;
import org.blksnap.api.snapshot.SnapshotService;
import org.blksnap.api.snapshot.StateLocation;
import org.blksnap.nbd.internal.export.Access;
import org.blksnap.nbd.internal.export.FakeDevice;
import org.blksnap.nbd.internal.export.FakeSnapshotService;
import org.blksnap.nbd.internal.protocol.Mode;
import org.blksnap.nbd.internal.protocol.RawClient;
import org.blksnap.nbd.internal.server.NbdServer;
import org.blksnap.nbd.internal.server.Settings;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(30)
class ComponentTest {
  /** Keeps what is left, without a time limit. */
  private static final class Shelf implements HandoverShelf {
    private final Map<String, Object> left = new HashMap<>();

    @Override
    public void leave(String key, Object neutral) {
      left.put(key, neutral);
    }

    @Override
    public Optional<Object> fetch(String key) {
      return Optional.ofNullable(left.remove(key));
    }
  }

  @TempDir Path state;
  private final FakeSnapshotService engine =
      new FakeSnapshotService(new FakeDevice("disk", 1 << 20));
  private final Shelf shelf = new Shelf();
  private NbdComponent component;

  @BeforeEach
  void start() {
    component = started(Map.of());
  }

  @AfterEach
  void stop() {
    component.shelf = null;
    component.deactivate();
  }

  private NbdComponent started(Map<String, Object> raw) {
    NbdComponent made = new NbdComponent();
    made.shelf = shelf;
    made.bindEngine(engine, Map.of(SnapshotService.ENGINE, "userspace"));
    made.start(state, raw);
    return made;
  }

  private Path socket() {
    return state.resolve("nbd/blksnap.sock");
  }

  @Test
  void socketIsPrivate() throws IOException {
    assertEquals(
        "rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(socket())));
    assertEquals(
        "rwx------",
        PosixFilePermissions.toString(Files.getPosixFilePermissions(socket().getParent())));
    assertEquals(Finding.Severity.OK, component.examine().get(0).severity());
  }

  @Test
  void exportsAndListenersAreTold() {
    assertEquals("disk", component.exports().get(0).name());
    assertEquals("nbd+unix:///disk?socket=" + socket(), component.exports().get(0).uri());
    assertEquals(List.of("nbd+unix:///?socket=" + socket()), component.listeners());
  }

  @Test
  void staleSocketIsReplacedAndALiveOneRefused() throws IOException {
    NbdComponent second = started(Map.of());
    Finding finding = second.examine().get(0);
    assertEquals(Finding.Severity.ERROR, finding.severity());
    assertTrue(finding.observation().contains("another server listens"), finding.observation());
    second.shelf = null;
    second.deactivate();
    try (RawClient client = new RawClient(socket())) {
      client.enter("disk", Mode.SIMPLE);
    }
  }

  @Test
  void refusedValueLeavesTheOldOneInForce() throws IOException {
    component.modified(Map.of("maximum_connections", "9999"));
    Finding finding = component.examine().get(0);
    assertEquals(Finding.Severity.WARNING, finding.severity());
    assertTrue(
        finding.observation().contains("maximum_connections = \"9999\" refused")
            && finding.observation().contains("1 to 1024"),
        finding.observation());
    try (RawClient client = new RawClient(socket())) {
      client.enter("disk", Mode.SIMPLE);
    }
  }

  @Test
  void clientsOutliveTheComponent() throws IOException {
    try (RawClient client = new RawClient(socket()).enter("disk", Mode.SIMPLE)) {
      component.deactivate();
      component = started(Map.of());
      assertEquals(512, client.read(Mode.SIMPLE, 0, 512).length);
      assertEquals(1, component.exports().get(0).connections());
    }
  }

  /** A client would connect to it, and wait for ever. */
  @Test
  void inheritedSocketIsClosedWhereItsPlaceIsNoLongerListenedAt() throws IOException {
    java.nio.channels.ServerSocketChannel inherited =
        java.nio.channels.ServerSocketChannel.open().bind(null);
    component.deactivate();
    Map<Object, Object> left = new HashMap<>((Map<?, ?>) shelf.fetch(name()).orElseThrow());
    left.put(NbdServer.LISTENER + "tcp:elsewhere", inherited);
    shelf.leave(name(), left);
    Path taken = Files.createFile(state.resolve("taken"));
    component = started(Map.of("socket_path", taken.toString()));
    assertEquals(Finding.Severity.ERROR, component.examine().get(0).severity());
    assertTrue(!inherited.isOpen());
  }

  private static String name() {
    return NbdComponent.PARKED;
  }

  @Test
  void movedSocketKeepsItsClients() throws IOException {
    try (RawClient client = new RawClient(socket()).enter("disk", Mode.SIMPLE)) {
      Path other = state.resolve("other/x.sock");
      component.modified(Map.of("socket_path", other.toString()));
      assertEquals(512, client.read(Mode.SIMPLE, 0, 512).length);
      try (RawClient second = new RawClient(other)) {
        second.enter("disk", Mode.SIMPLE);
      }
      assertTrue(Files.notExists(socket()));
    }
  }

  @Test
  void tcpBeyondLoopbackNeedsTls() {
    BlksnapException refused =
        assertThrows(
            BlksnapException.class,
            () -> Settings.of(Map.of("tcp_address", "192.0.2.1:10809"), state));
    assertTrue(refused.getMessage().contains("tls_keystore"), refused.getMessage());
  }

  @Test
  void plainTcpOnLoopbackHasToBeWantedInSoManyWords() throws BlksnapException {
    BlksnapException refused =
        assertThrows(
            BlksnapException.class,
            () -> Settings.of(Map.of("tcp_address", "127.0.0.1:10809"), state));
    assertTrue(
        refused.getMessage().contains("tcp_allow_every_local_user = true")
            && refused.getMessage().contains("use the unix socket"),
        refused.getMessage());
    Settings wanted =
        Settings.of(
            Map.of(
                "tcp_address", "127.0.0.1:10809",
                "tcp_allow_every_local_user", "true",
                "tcp_read_only", "true",
                "tcp_exports", "disk, blksnap-image_*"),
            state);
    assertEquals(new Access(List.of("disk", "blksnap-image_*"), true), wanted.tcpAccess());
    assertTrue(Settings.of(Map.of(), state).clientCertificate());
  }

  @Test
  void everyBadValueIsRefusedByNameAndRange() {
    Map<String, Object> more =
        Map.of(
            "tcp_keepalive_seconds", "0",
            "maximum_connections_per_peer", "0",
            "reserved_connections", "65",
            "tls_require_client_certificate", "yes");
    refusedEach(more);
    Map<String, Object> bad =
        Map.of(
            "maximum_connections", 0,
            "maximum_request_bytes", "1",
            "maximum_in_flight", "many",
            "handshake_timeout_seconds", "-1",
            "images_read_only", "perhaps",
            "stall_timeout_seconds", "0",
            "tcp_address", "nowhere",
            "socket_path", "/" + "x".repeat(200),
            "tls_keystore", "/does/not/exist");
    refusedEach(bad);
  }

  private void refusedEach(Map<String, Object> bad) {
    bad.forEach(
        (key, value) -> {
          BlksnapException refused =
              assertThrows(
                  BlksnapException.class, () -> Settings.of(Map.of(key, value), state), key);
          assertTrue(refused.getMessage().startsWith(key + " = \""), refused.getMessage());
        });
  }

  @Test
  void withoutAStateDirectoryTheSocketPathIsDemanded() {
    assertThrows(BlksnapException.class, () -> Settings.of(Map.of(), null));
  }

  private static StateLocation at(Path directory) {
    return new StateLocation() {
      @Override
      public Path directory() {
        return directory;
      }

      @Override
      public String hotDirectoryChoice() {
        return "";
      }

      @Override
      public boolean leftForGood() {
        return false;
      }
    };
  }

  @Test
  void theSocketIsInTheStateDirectoryOfTheEngineAndMovesWithIt() throws IOException {
    component.deactivate();
    component = new NbdComponent();
    component.start(null, Map.of());
    assertEquals(List.of(), component.listeners());
    Path first = Files.createDirectory(state.resolve("first"));
    component.bindState(at(first));
    assertTrue(Files.exists(first.resolve("nbd/blksnap.sock")));
    Path second = Files.createDirectory(state.resolve("second"));
    component.bindState(at(second));
    assertTrue(Files.exists(second.resolve("nbd/blksnap.sock")));
    assertFalse(Files.exists(first.resolve("nbd/blksnap.sock")));
  }
}
