// SPDX-License-Identifier: Apache-2.0
package org.blksnap.stress;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.IoFlags;
import org.blksnap.api.snapshot.AttachRequest;
import org.blksnap.api.snapshot.Snapshot;
import org.blksnap.api.snapshot.TakeResult;
import org.blksnap.chunk.internal.ChunkEngineComponent;
import org.blksnap.control.internal.parameter.ParameterSet;
import org.blksnap.diffstorage.internal.DiffStorageProvider;
import org.blksnap.event.internal.DispatchingEventProvider;
import org.blksnap.snapshot.internal.Engine;
import org.blksnap.snapshot.internal.control.EngineParameters;
import org.blksnap.snapshot.internal.control.EngineSettings;
import org.blksnap.snapshot.internal.control.Room;
import org.blksnap.spi.device.OpenRequest;
import org.blksnap.tracker.internal.MappedTrackerProvider;

/**
 * An engine whose state lies where it is told, in a JVM of its own: what a test does to it must not
 * stop the test. Its words are read by {@code FrozenGroundTest}.
 */
public final class FrozenGround implements AutoCloseable {
  /** Of a freeze in these tests, in seconds. */
  static final int DEADLINE_SECONDS = 2;

  private static final EngineSettings SETTINGS =
      new EngineSettings(
          Duration.ofSeconds(10),
          Duration.ofSeconds(5),
          Duration.ofSeconds(DEADLINE_SECONDS),
          Duration.ofMillis(200));

  private final MappedTrackerProvider tracker = new MappedTrackerProvider();
  private final DispatchingEventProvider events = new DispatchingEventProvider();
  private final Engine engine;

  /** With mapped state on the disk of the state directory. */
  public FrozenGround(Path state) throws BlksnapException {
    this(state, "none");
  }

  private FrozenGround(Path state, String hot) throws BlksnapException {
    engine =
        new Engine(
            state,
            hot,
            new EngineParameters(ParameterSet.unkept()::values),
            owner -> true,
            () -> SETTINGS,
            List::of);
    engine.provideEvents(events);
    engine.provide(Room.DEVICE, HostDevices.provider());
    engine.provide(Room.TRACKER, tracker);
    engine.provide(Room.CHUNK, new ChunkEngineComponent());
    engine.provide(Room.STORAGE, new DiffStorageProvider());
  }

  public Engine engine() {
    return engine;
  }

  /** As it never is outside of tests. */
  public void takeWhateverIsFrozen() {
    engine.neededPlaces().refuseNothing();
  }

  public void attach(Path path, String name) throws BlksnapException {
    engine.attach(AttachRequest.of(path).named(name).force(true));
  }

  public Snapshot snapshot(String... devices) throws BlksnapException {
    Snapshot snapshot = engine.create();
    for (String device : devices) {
      snapshot.addDevice(device);
    }
    snapshot.appendStorageMemory(16 << 20);
    return snapshot;
  }

  public void write(String device, long offset) throws IOException {
    engine
        .device(device)
        .orElseThrow()
        .write(ByteBuffer.allocateDirect(4096), offset, IoFlags.NONE);
  }

  @Override
  public void close() {
    engine.close();
    events.close();
  }

  /**
   * The state directory stands still, by whoever's doing: live writes, first touches among them, go
   * on, a garbage collection too; a take waits.
   */
  private static void writeOnFrozenState(Path state, Path device, BufferedReader in)
      throws Exception {
    FrozenGround ground = new FrozenGround(state, "");
    ground.attach(device, "live");
    ground.attach(device.resolveSibling("second"), "second");
    ground.snapshot("live").take();
    Snapshot next = ground.snapshot("second");
    System.out.println("ready");
    in.readLine();
    Thread taking =
        new Thread(
            () -> {
              try {
                System.out.println("taken " + next.take().warnings());
              } catch (BlksnapException e) {
                System.out.println("not taken: " + e);
              }
            });
    taking.start();
    for (long at = 0; at < 4 << 20; at += 64 << 10) {
      ground.write("live", at);
      System.gc();
    }
    System.out.println("wrote");
    taking.join();
    ground.close();
    System.out.println("closed");
    System.exit(0);
  }

  /** take STATE DEVICE OTHER, hold DEVICE, or write STATE DEVICE. */
  public static void main(String[] asked) throws Exception {
    if (asked[0].equals("hold")) {
      HostDevices.provider()
          .open(new OpenRequest(Path.of(asked[1]), true, true))
          .freeze(Duration.ofSeconds(60));
      System.out.println("frozen");
      Thread.sleep(Duration.ofSeconds(60).toMillis());
      return;
    }
    if (asked[0].equals("write")) {
      writeOnFrozenState(
          Path.of(asked[1]),
          Path.of(asked[2]),
          new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8)));
      return;
    }
    FrozenGround ground = new FrozenGround(Path.of(asked[1]));
    ground.takeWhateverIsFrozen();
    ground.attach(Path.of(asked[2]), "below");
    ground.attach(Path.of(asked[3]), "other");
    ground.write("other", 0);
    Snapshot snapshot = ground.snapshot("below", "other");
    Thread safepoints =
        new Thread(
            () -> {
              while (true) {
                System.gc();
              }
            });
    safepoints.setDaemon(true);
    safepoints.start();
    System.out.println("taking");
    TakeResult result = snapshot.take();
    result.warnings().forEach(warning -> System.out.println("warning: " + warning));
    ground.write("other", 4096);
    System.out.println("crash-consistent " + result.crashConsistent());
    Files.writeString(Path.of(asked[1]).resolve("goes-on"), "");
    System.exit(0);
  }
}
