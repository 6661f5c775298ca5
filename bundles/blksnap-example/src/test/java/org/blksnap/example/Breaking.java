// SPDX-License-Identifier: Apache-2.0
package org.blksnap.example;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.channels.SeekableByteChannel;
import org.blksnap.api.block.Extents;
import org.blksnap.api.snapshot.Snapshot;
import org.blksnap.api.snapshot.SnapshotImage;
import org.blksnap.api.snapshot.SnapshotLease;
import org.blksnap.api.snapshot.SnapshotRequest;
import org.blksnap.api.snapshot.SnapshotService;

/** An engine whose images can be copied up to some byte and no further. */
final class Breaking {
  private Breaking() {}

  static SnapshotService after(long bytes, SnapshotService engine) {
    return put(
        SnapshotService.class,
        engine,
        "take",
        args -> {
          SnapshotLease lease = engine.take((SnapshotRequest) args[0]);
          return new SnapshotLease(after(bytes, lease.snapshot()), lease.result());
        });
  }

  private static Snapshot after(long bytes, Snapshot snapshot) {
    return put(
        Snapshot.class, snapshot, "image", args -> after(bytes, snapshot.image((String) args[0])));
  }

  private static SnapshotImage after(long bytes, SnapshotImage image) {
    return put(
        SnapshotImage.class,
        image,
        "copyTo",
        args ->
            image.copyTo(
                (SeekableByteChannel) args[0],
                (Extents) args[1],
                (copied, total) -> copied < bytes));
  }

  private interface Call {
    Object with(Object[] args) throws Exception;
  }

  /** The same but for one method. */
  private static <T> T put(Class<T> type, T real, String method, Call instead) {
    return type.cast(
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            (proxy, called, args) -> {
              if (called.getName().equals(method)) {
                return instead.with(args);
              }
              try {
                return called.invoke(real, args);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            }));
  }
}
