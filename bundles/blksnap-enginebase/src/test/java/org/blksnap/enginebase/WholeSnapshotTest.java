// SPDX-License-Identifier: Apache-2.0
package org.blksnap.enginebase;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.snapshot.Snapshot;
import org.blksnap.api.snapshot.SnapshotLease;
import org.blksnap.api.snapshot.SnapshotRequest;
import org.blksnap.api.snapshot.StorageGrant;
import org.junit.jupiter.api.Test;

class WholeSnapshotTest {
  private final UUID id = UUID.randomUUID();
  private final List<String> done = new ArrayList<>();

  /** What calls of a name end with. */
  private Throwable takeFailure;

  private Throwable destroyFailure;

  private final Snapshot snapshot =
      (Snapshot)
          Proxy.newProxyInstance(
              Snapshot.class.getClassLoader(),
              new Class<?>[] {Snapshot.class},
              (proxy, method, arguments) -> {
                if (method.getName().equals("id")) {
                  return id;
                }
                done.add(method.getName());
                Throwable failure =
                    method.getName().equals("take")
                        ? takeFailure
                        : method.getName().equals("destroy") ? destroyFailure : null;
                if (failure != null) {
                  throw failure;
                }
                return null;
              });

  private SnapshotLease take(String... devices) throws BlksnapException {
    return WholeSnapshot.taken(request -> snapshot, SnapshotRequest.of(devices));
  }

  @Test
  void itIsDoneInOrderOnDefaultStorageUnlessOneWasGiven() throws Exception {
    assertSame(snapshot, take("a", "b").snapshot());
    assertEquals(List.of("addDevice", "addDevice", "give", "take"), done);
    done.clear();
    WholeSnapshot.created(request -> snapshot, SnapshotRequest.of("a"));
    assertEquals(List.of("addDevice"), done);
    done.clear();
    SnapshotRequest two =
        SnapshotRequest.of("a").on(StorageGrant.memory(1)).on(StorageGrant.memory(2));
    WholeSnapshot.taken(request -> snapshot, two);
    assertEquals(List.of("addDevice", "give", "give", "take"), done);
  }

  @Test
  void ofNoDevicesNothingIsMade() {
    assertEquals(Errno.EINVAL, assertThrows(BlksnapException.class, this::take).errno());
    assertEquals(List.of(), done);
  }

  @Test
  void aFailureLeavesNothingBehindNorDoesAnError() {
    takeFailure = new BlksnapException(Errno.EIO, "the storage failed");
    assertSame(takeFailure, assertThrows(BlksnapException.class, () -> take("a")));
    assertEquals("destroy", done.get(done.size() - 1));
    takeFailure = new NoClassDefFoundError("thrown by the test");
    assertSame(takeFailure, assertThrows(NoClassDefFoundError.class, () -> take("a")));
    assertEquals("destroy", done.get(done.size() - 1));
  }

  @Test
  void aFailureToUndoIsToldWithTheFirstErrorAndTheWayOut() {
    takeFailure = new BlksnapException(Errno.EIO, "the storage failed");
    destroyFailure = new BlksnapException(Errno.EBUSY, "still open");
    BlksnapException both = assertThrows(BlksnapException.class, () -> take("a"));
    assertEquals(Errno.EIO, both.errno());
    assertTrue(
        both.getMessage().startsWith("the storage failed; undoing it failed as well (still open)"),
        both.getMessage());
    assertTrue(both.getMessage().endsWith("blksnap:snapshot-destroy " + id), both.getMessage());
  }
}
