// SPDX-License-Identifier: Apache-2.0
package org.blksnap.testkit.engine;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.event.BlksnapEventListener;
import org.blksnap.api.snapshot.AttachRequest;
import org.blksnap.api.snapshot.AttachedDevice;
import org.blksnap.api.snapshot.Parameters;
import org.blksnap.api.snapshot.SnapshotParticipant;
import org.blksnap.api.snapshot.SnapshotService;
import org.blksnap.chunk.internal.ChunkEngineComponent;
import org.blksnap.control.internal.parameter.ParameterSet;
import org.blksnap.device.internal.LocalDeviceProvider;
import org.blksnap.diffstorage.internal.DiffStorageProvider;
import org.blksnap.event.internal.DispatchingEventProvider;
import org.blksnap.snapshot.internal.Engine;
import org.blksnap.snapshot.internal.control.EngineParameters;
import org.blksnap.snapshot.internal.control.EngineSettings;
import org.blksnap.snapshot.internal.control.Room;
import org.blksnap.spi.host.HostOperations;
import org.blksnap.tracker.internal.MappedTrackerProvider;

/**
 * The userspace engine on a directory, without a framework: for unit tests of what uses the API.
 * Nothing in it is simulated; what passes here passes the code that a distribution runs. It needs
 * no privileges and no file system of its own, and starts in milliseconds.
 *
 * <pre>{@code
 * try (TestEngine engine = TestEngine.in(directory)) {
 *   AttachedDevice disk = engine.disk("disk", 8 << 20);
 *   MyBackup backup = new MyBackup(engine.service());
 * }
 * }</pre>
 *
 * <p>The directory holds {@code disks}, a file a disk, and {@code state}; both are there after
 * {@link #close}, and whoever made the directory removes it. One engine a directory at a time. On a
 * tmpfs (often {@code /tmp}) each restart begins a new generation of every change map, as it does
 * there in a distribution; tests of increments over a {@link #restart} need a directory on a disk.
 *
 * <p>Differences from a distribution: nobody is asked whose a snapshot is, so an owner is what the
 * {@code SnapshotRequest} says, and none is orphaned; parameters are not kept; memory storage does
 * not outlive a restart; block devices that are in use are not recognized. A power loss or a kill
 * is not played here: that takes a process to kill.
 *
 * <p>Thread rule: any thread. The lock guards which engine is the present one.
 */
public final class TestEngine implements AutoCloseable {
  private final Path directory;
  private final HostOperations host;
  private final ParameterSet parameters = ParameterSet.unkept();
  private final List<SnapshotParticipant> participants = new CopyOnWriteArrayList<>();

  @GuardedBy("this")
  private final List<BlksnapEventListener> listeners = new ArrayList<>();

  /** Null while none runs. */
  @GuardedBy("this")
  private Engine engine;

  @GuardedBy("this")
  private DispatchingEventProvider events;

  private TestEngine(Path directory, HostOperations host) {
    this.directory = directory;
    this.host = host;
  }

  /**
   * Starts one. The directory is made where it is not there; one that an engine had before is gone
   * on with. EBUSY: an engine is at work there.
   */
  public static TestEngine in(Path directory) throws IOException {
    return in(directory, null);
  }

  /**
   * As {@link #in(Path)}, with what Java alone cannot do: freezing file systems, punching holes.
   *
   * @param host null for none
   */
  public static TestEngine in(Path directory, HostOperations host) throws IOException {
    TestEngine engine = new TestEngine(directory.toAbsolutePath(), host);
    Files.createDirectories(engine.directory.resolve("disks"));
    engine.start();
    return engine;
  }

  private synchronized void start() throws IOException {
    Engine next =
        new Engine(
            directory.resolve("state"),
            "none",
            new EngineParameters(parameters::values),
            owner -> true,
            () -> EngineSettings.DEFAULTS,
            () -> participants);
    events = new DispatchingEventProvider();
    listeners.forEach(events::addListener);
    next.provideEvents(events);
    next.provide(Room.DEVICE, new LocalDeviceProvider(host));
    next.provide(Room.TRACKER, new MappedTrackerProvider());
    next.provide(Room.CHUNK, new ChunkEngineComponent());
    if (!next.provide(Room.STORAGE, new DiffStorageProvider())) {
      next.close();
      events.close();
      throw new IOException("no engine in " + directory + ": its state was not read; see the log");
    }
    engine = next;
  }

  /** The engine as it is now; another one after a {@link #restart}. */
  public synchronized SnapshotService service() {
    if (engine == null) {
      throw new IllegalStateException("the engine in " + directory + " is stopped");
    }
    return engine;
  }

  /** Its nine parameters. They are the same ones after a restart. */
  public Parameters parameters() {
    return parameters;
  }

  /**
   * An attached disk of so many zero bytes, made where it is not there yet; one that is there, also
   * from before a restart, is answered as it is. EEXIST: it has another size.
   *
   * @param name also that of its file
   * @param bytes its size, a multiple of 512
   */
  public AttachedDevice disk(String name, long bytes) throws IOException {
    Path file = file(name);
    try (FileChannel made =
        FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      long size = made.size();
      if (size == 0) {
        made.write(ByteBuffer.allocate(1), bytes - 1);
      } else if (size != bytes) {
        throw new BlksnapException(
            Errno.EEXIST,
            "disk " + name + " of " + bytes + " bytes refused: it is there with " + size);
      }
    }
    return service().attachOrGet(AttachRequest.of(file).named(name));
  }

  /** Where the bytes of a disk lie. To write there while the engine runs is to write past it. */
  public Path file(String name) {
    return directory.resolve("disks").resolve(name);
  }

  /** Asked before takes from now on, as if it were registered as a service. */
  public void participant(SnapshotParticipant participant) {
    participants.add(participant);
  }

  /** Told of every event from now on, as if it were registered as a service. */
  public synchronized void listener(BlksnapEventListener listener) {
    listeners.add(listener);
    if (engine != null) {
      events.addListener(listener);
    }
  }

  /**
   * Stops it as a distribution is stopped, and starts one on the same directory: devices and
   * snapshots are there again, and what was looked up before answers ESHUTDOWN or ESTALE.
   */
  public void restart() throws IOException {
    restart(() -> {});
  }

  /** What is done while no engine runs. */
  @FunctionalInterface
  public interface WhileDown {
    /** May fail; no engine is started then. */
    void run() throws IOException;
  }

  /** As {@link #restart()}, with something done while no engine runs. */
  public synchronized void restart(WhileDown meanwhile) throws IOException {
    close();
    meanwhile.run();
    start();
  }

  /** Stops it as a distribution is stopped; the directory stays. Idempotent. */
  @Override
  public synchronized void close() {
    if (engine == null) {
      return;
    }
    engine.close();
    events.close();
    engine = null;
  }
}
