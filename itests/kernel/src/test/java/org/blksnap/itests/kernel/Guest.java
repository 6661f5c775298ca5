// SPDX-License-Identifier: Apache-2.0
package org.blksnap.itests.kernel;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import org.blksnap.api.snapshot.AttachedDevice;
import org.blksnap.device.internal.LocalDeviceProvider;
import org.blksnap.ioctl.internal.LinuxHostOperations;
import org.blksnap.ioctl.internal.module.LoadedModuleProbe;
import org.blksnap.kernel.internal.EngineGround;
import org.blksnap.kernel.internal.KernelEngine;
import org.blksnap.kernel.internal.host.LinuxDisks;
import org.blksnap.kernel.internal.host.PresentModule;
import org.blksnap.spi.host.HostOperations;
import org.blksnap.spi.module.ModuleProbe;

/**
 * A machine with the module loaded, and engines over it, one after another. Its directory lies on
 * the file system that the property {@code blksnap.place} names; everything made is taken away.
 */
final class Guest implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(10);
  private static final long LONGEST_COMMAND = 60;

  final Path directory;
  private final HostOperations host;
  private final LocalDeviceProvider devices;
  private final ModuleProbe probe = new LoadedModuleProbe();
  private final List<Path> loops = new ArrayList<>();
  private KernelEngine engine;

  Guest() throws IOException {
    this(Files.createTempDirectory(Path.of(System.getProperty("blksnap.place")), "guest"));
  }

  /** On a directory that another one may have left. */
  Guest(Path directory) throws IOException {
    this.directory = directory;
    Files.createDirectories(directory.resolve("state"));
    host = new LinuxHostOperations();
    devices = new LocalDeviceProvider(host);
  }

  /** The present one, begun where there is none. */
  KernelEngine engine() throws IOException {
    if (engine == null) {
      PresentModule module =
          new PresentModule(
              probe.find().orElseThrow(), probe.incarnation().orElseThrow(), PATIENCE);
      engine =
          new KernelEngine(
              new EngineGround(
                  directory.resolve("state"),
                  module,
                  new LinuxDisks(),
                  () -> devices,
                  () -> host,
                  List::of,
                  owner -> true));
    }
    return engine;
  }

  /** It goes, and all stays in the kernel. */
  void leave() {
    if (engine != null) {
      engine.close("the test lets it go");
      engine = null;
    }
  }

  /** A loop device of that many bytes. */
  Path loop(String name, int bytes, byte fill) throws IOException {
    Path file = directory.resolve(name + ".raw");
    byte[] content = new byte[bytes];
    Arrays.fill(content, fill);
    Files.write(file, content);
    Path loop = Path.of(run("losetup", "--find", "--show", file.toString()));
    loops.add(loop);
    return loop;
  }

  /** Writes as a program does that uses the block device, and waits until it is down. */
  static void write(Path device, long offset, byte[] bytes) throws IOException {
    try (FileChannel channel = FileChannel.open(device, StandardOpenOption.WRITE)) {
      ByteBuffer buffer = ByteBuffer.wrap(bytes);
      while (buffer.hasRemaining()) {
        channel.write(buffer, offset + buffer.position());
      }
      channel.force(true);
    }
  }

  /** Answers what it prints, stripped; a failure is an error with all it said. */
  static String run(String... command) throws IOException {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    process.getOutputStream().close();
    String said = new String(process.getInputStream().readAllBytes()).strip();
    try {
      if (!process.waitFor(LONGEST_COMMAND, TimeUnit.SECONDS)) {
        process.destroyForcibly();
        throw new IOException(String.join(" ", command) + " did not end: " + said);
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
    if (process.exitValue() != 0) {
      throw new IOException(String.join(" ", command) + ": " + said);
    }
    return said;
  }

  @Override
  public void close() throws IOException {
    if (Files.isDirectory(directory.resolve("state"))) {
      for (UUID id : engine().collect()) {
        engine().destroy(id);
      }
      for (AttachedDevice device : engine().devices()) {
        engine().detach(device.name());
      }
    }
    leave();
    devices.close();
    for (Path loop : loops) {
      run("losetup", "-d", loop.toString());
    }
    run("rm", "-rf", directory.toString());
  }
}
