// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.dispatch;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.UUID;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Errno;
import org.blksnap.api.event.BlksnapEvent;
import org.blksnap.api.event.EventSubscription;
import org.blksnap.api.snapshot.AttachRequest;
import org.blksnap.api.snapshot.AttachedDevice;
import org.blksnap.api.snapshot.ImageInfo;
import org.blksnap.api.snapshot.Snapshot;
import org.blksnap.api.snapshot.SnapshotRequest;
import org.blksnap.api.snapshot.SnapshotService;
import org.blksnap.api.snapshot.TakeResult;
import org.blksnap.api.snapshot.Version;

/**
 * An engine of lists, that keeps the rules of the interface and moves no data. It answers at once,
 * unless it is {@link #waiting}. Block devices are given by number, since no path leads to one. One
 * thread.
 */
public final class ModelEngine {
  static final int BLOCK = ModelDevice.BLOCK;

  final Map<String, ModelDevice> devices = new TreeMap<>();
  final Map<UUID, Held> snapshots = new LinkedHashMap<>();

  /** What every call is refused with; null for nothing. */
  Errno failure;

  /** Queues that somebody listens at. */
  int subscriptions;

  private boolean waits;

  private final SnapshotService service = Doubles.of(SnapshotService.class, new Service());

  public SnapshotService service() {
    return service;
  }

  /** From now on who waits for an event does so. */
  public ModelEngine waiting() {
    waits = true;
    return this;
  }

  /** A block device of so many bytes, attached. */
  ModelDevice blockDevice(int major, int minor, long capacity) {
    ModelDevice device =
        new ModelDevice("dm" + major + "-" + minor, Path.of("/nowhere"), major, minor);
    device.resize(capacity);
    devices.put(device.name, device);
    return device;
  }

  /** All that a call may change, as text. */
  String state() {
    StringBuilder state = new StringBuilder();
    devices.forEach(
        (name, device) ->
            state.append(name).append(device.holder).append(Arrays.hashCode(device.map)));
    snapshots.forEach(
        (id, held) ->
            state
                .append(id)
                .append(held.members)
                .append(held.storage)
                .append(held.taken)
                .append(held.events));
    return state.toString();
  }

  final class Held {
    final UUID id = UUID.randomUUID();
    final List<String> members = new ArrayList<>();
    final List<String> storage = new ArrayList<>();
    final Deque<BlksnapEvent.OfSnapshot> events = new ArrayDeque<>();
    final Snapshot handle = Doubles.of(Snapshot.class, new Handle());
    boolean taken;

    @SuppressWarnings("unused") // Called by name.
    private final class Handle {
      UUID id() {
        return id;
      }

      void addDevice(String name) throws BlksnapException {
        ModelDevice device = devices.get(name);
        if (device.holder != null) {
          throw Doubles.refused(device.holder.equals(id) ? Errno.EALREADY : Errno.EBUSY);
        } else if (taken) {
          throw Doubles.refused(Errno.EBUSY);
        }
        device.holder = id;
        members.add(name);
      }

      void appendStorage(Path path, List<ByteRange> ranges) {
        storage.add(path + " " + ranges.size());
      }

      TakeResult take() throws BlksnapException {
        if (taken) {
          throw Doubles.refused(Errno.EALREADY);
        } else if (members.isEmpty()) {
          throw Doubles.refused(Errno.ENODEV);
        } else if (storage.isEmpty()) {
          throw Doubles.refused(Errno.EFAULT);
        }
        taken = true;
        members.forEach(name -> devices.get(name).number++);
        return null;
      }

      List<ImageInfo> info() {
        return members.stream()
            .map(devices::get)
            .map(
                d ->
                    new ImageInfo(
                        d.name,
                        d.error,
                        "",
                        taken ? "blksnap-image_" + d.major + ":" + d.minor : "",
                        Optional.empty()))
            .toList();
      }

      EventSubscription subscribe() {
        subscriptions++;
        return Doubles.of(EventSubscription.class, new Subscription());
      }

      boolean acknowledge(BlksnapEvent.OfSnapshot event) {
        return events.remove(event);
      }

      void destroy() throws BlksnapException {
        end(id);
      }
    }

    @SuppressWarnings("unused") // Called by name.
    private final class Subscription {
      private final Deque<BlksnapEvent.OfSnapshot> left = new ArrayDeque<>(events);

      BlksnapEvent.OfSnapshot next(Duration timeout) throws BlksnapException {
        if (left.isEmpty()) {
          sleep(timeout);
          throw Doubles.refused(snapshots.containsKey(id) ? Errno.ENOENT : Errno.ESRCH);
        }
        return left.remove();
      }

      private void sleep(Duration timeout) {
        try {
          Thread.sleep(waits ? timeout.toMillis() : 0);
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
        }
      }

      void close() {
        subscriptions--;
      }
    }
  }

  private void end(UUID id) throws BlksnapException {
    if (snapshots.remove(id) == null) {
      throw Doubles.refused(Errno.ENODEV);
    }
    devices.values().stream().filter(d -> id.equals(d.holder)).forEach(d -> d.holder = null);
  }

  @SuppressWarnings("unused") // Called by name.
  private final class Service {
    private void check() throws BlksnapException {
      if (failure != null) {
        throw Doubles.refused(failure);
      }
    }

    Version version() {
      return Version.INTERFACE;
    }

    List<AttachedDevice> devices() {
      return devices.values().stream().map(d -> d.handle).toList();
    }

    AttachedDevice attach(AttachRequest request) throws BlksnapException {
      check();
      String name =
          request.name() == null ? request.path().getFileName().toString() : request.name();
      if (devices.containsKey(name)) {
        throw Doubles.refused(Errno.EEXIST);
      }
      ModelDevice device = new ModelDevice(name, request.path(), 0, devices.size());
      device.resize(1 << 20);
      devices.put(name, device);
      return device.handle;
    }

    void detach(String name) throws BlksnapException {
      check();
      ModelDevice device = devices.get(name);
      if (device == null || device.holder != null) {
        throw Doubles.refused(device == null ? Errno.ENODEV : Errno.EBUSY);
      }
      devices.remove(name);
    }

    Snapshot create(SnapshotRequest request) throws BlksnapException {
      check();
      Held held = new Held();
      held.events.add(new BlksnapEvent.LowFreeSpace(Instant.now(), "model", held.id, 1L << 30));
      snapshots.put(held.id, held);
      return held.handle;
    }

    Snapshot snapshot(UUID id) throws BlksnapException {
      check();
      Held held = snapshots.get(id);
      if (held == null) {
        throw Doubles.refused(Errno.ESRCH);
      }
      return held.handle;
    }

    List<UUID> collect() {
      return List.copyOf(snapshots.keySet());
    }

    void destroy(UUID id) throws BlksnapException {
      check();
      end(id);
    }
  }
}
