// SPDX-License-Identifier: Apache-2.0
package org.blksnap.bench;

import com.sun.jna.Native;
import com.sun.jna.Platform;
import com.sun.jna.Pointer;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import org.blksnap.ioctl.internal.layout.Seed;
import org.blksnap.ioctl.internal.module.LibcModuleCalls;
import org.blksnap.ioctl.internal.module.LoadedModuleProbe;
import org.blksnap.ioctl.internal.module.ModuleCalls;
import org.blksnap.ioctl.internal.module.NodeLook;
import org.blksnap.spi.module.KernelModule;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * What the bridge to a kernel module costs. No module is needed: each of its calls is made into one
 * that every kernel answers, on the same way through JNA into the kernel and back. A control call
 * is FIOCLEX, which does next to nothing, and a map is read from a file in the page cache.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@State(Scope.Benchmark)
public class ModuleCallBench {
  private static final int MAP = 2 << 20;
  private static final int BLOCK = 65_536;
  private static final UUID GENERATION = new UUID(1, 2);

  private Scratch scratch;
  private Path disk;
  private KernelModule module;
  private ModuleCalls calls;
  private int fd;
  private ByteBuffer map;

  /** The calls of the system, with other words. */
  private static final class Redirected implements ModuleCalls {
    private static final class Libc {
      static native long pread(int fd, long to, long length, long offset);

      private Libc() {}
    }

    private static final long FIOCLEX = 0x5451;
    private final ModuleCalls real;

    Redirected(ModuleCalls real) {
      this.real = real;
      Native.register(Libc.class, Platform.C_LIBRARY_NAME);
    }

    @Override
    public int ioctl(int fd, long request, long address) {
      if (request != Seed.CTL_CALL) {
        return real.ioctl(fd, FIOCLEX, address);
      }
      Pointer ctl = new Pointer(address);
      Pointer option = new Pointer(ctl.getLong(Seed.CTL_OPT.offset()));
      if (ctl.getInt(Seed.CTL_CMD.offset()) == Seed.CTL_CBTINFO) {
        option.setLong(Seed.CBTINFO_CAPACITY.offset(), (long) MAP * BLOCK);
        option.setInt(Seed.CBTINFO_BLOCK_SIZE.offset(), BLOCK);
        option.setInt(Seed.CBTINFO_BLOCK_COUNT.offset(), MAP);
        option.setLong(Seed.CBTINFO_GENERATION.offset(), GENERATION.getLeastSignificantBits());
        return real.ioctl(fd, FIOCLEX, address);
      }
      long offset = option.getInt(Seed.CBTMAP_OFFSET.offset());
      long length = option.getInt(Seed.CBTMAP_LENGTH.offset());
      long to = option.getLong(Seed.CBTMAP_BUFFER.offset());
      return Libc.pread(fd, to, length, offset) == length ? 0 : -5;
    }

    @Override
    public int open(String path, int flags) {
      return real.open(path, flags);
    }

    @Override
    public int close(int fd) {
      return real.close(fd);
    }

    @Override
    public long address(ByteBuffer direct) {
      return real.address(direct);
    }

    @Override
    public int thread() {
      return real.thread();
    }

    @Override
    public int signal(int thread, int signal) {
      return real.signal(thread, signal);
    }

    @Override
    public int handle(int signal) {
      return real.handle(signal);
    }
  }

  /** Files stand for the nodes. */
  private final class Look implements NodeLook {
    @Override
    public Kind kind(Path path) {
      if (!Files.exists(path)) {
        return Kind.NONE;
      }
      return path.equals(disk) ? Kind.BLOCK : Kind.CHARACTER;
    }

    @Override
    public long number(Path path) {
      return 0;
    }
  }

  @Setup(Level.Trial)
  public void open() throws IOException {
    scratch = new Scratch();
    Path devices = scratch.folder("dev");
    disk = Files.write(devices.resolve("disk"), new byte[MAP]);
    Files.createFile(devices.resolve("blksnap-control"));
    Path modules = scratch.folder("module");
    Path parameters = Files.createDirectories(modules.resolve("blksnap").resolve("parameters"));
    Files.writeString(parameters.resolve("chunk_maximum_count"), "2097152\n");
    calls = new Redirected(LibcModuleCalls.load());
    module =
        new LoadedModuleProbe(devices, modules, scratch.resolve("boot"), new Look(), () -> calls)
            .find()
            .orElseThrow();
    fd = calls.open("/dev/null", 0);
    map = ByteBuffer.allocateDirect(MAP);
  }

  @TearDown(Level.Trial)
  public void close() throws IOException {
    module.close();
    calls.close(fd);
    scratch.close();
  }

  /** The ioctl alone, through JNA. */
  @Benchmark
  public int rawIoctl() {
    return calls.ioctl(fd, 0, 0);
  }

  @Benchmark
  public Object controlCall() throws IOException {
    return module.version();
  }

  /** With a look at the node, its opening and closing. */
  @Benchmark
  public Object deviceCall() throws IOException {
    return module.tracker(disk);
  }

  @Benchmark
  public int readMap() throws IOException {
    return module.readMap(disk, 0, map.clear());
  }
}
