// SPDX-License-Identifier: Apache-2.0
package org.blksnap.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.FileChannel;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * Bytes of a file in page cache to a client of a unix socket: through a direct buffer, or with
 * {@link FileChannel#transferTo}, as the system's sendfile. The client takes all there is and looks
 * at nothing. The file's pages come in one by one, in small folios.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@State(Scope.Benchmark)
public class SendBench {
  private static final long CAPACITY = 256L << 20;

  @Param({"4096", "262144"})
  public int bytes;

  private ByteBuffer buffer;
  private Path directory;
  private FileChannel file;
  private ServerSocketChannel listener;
  private SocketChannel out;
  private Thread client;
  private long at;

  @Setup(Level.Trial)
  public void open() throws IOException {
    buffer = ByteBuffer.allocateDirect(bytes);
    directory = Files.createTempDirectory("send");
    file =
        FileChannel.open(
            directory.resolve("file"),
            StandardOpenOption.CREATE_NEW,
            StandardOpenOption.READ,
            StandardOpenOption.WRITE);
    ByteBuffer page = ByteBuffer.allocateDirect(4096);
    for (long offset = 0; offset < CAPACITY; offset += page.capacity()) {
      file.write(page.clear(), offset);
    }
    UnixDomainSocketAddress address = UnixDomainSocketAddress.of(directory.resolve("socket"));
    listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX).bind(address);
    client = new Thread(() -> take(address), "client");
    client.setDaemon(true);
    client.start();
    out = listener.accept();
  }

  private static void take(UnixDomainSocketAddress address) {
    ByteBuffer taken = ByteBuffer.allocateDirect(512 << 10);
    try (SocketChannel in = SocketChannel.open(address)) {
      while (in.read(taken.clear()) >= 0) {
        continue;
      }
    } catch (AsynchronousCloseException e) {
      return;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Benchmark
  public long throughBuffer() throws IOException {
    buffer.clear();
    while (buffer.hasRemaining()) {
      if (file.read(buffer, at + buffer.position()) < 0) {
        throw new IOException("file ended");
      }
    }
    buffer.flip();
    while (buffer.hasRemaining()) {
      out.write(buffer);
    }
    return next();
  }

  @Benchmark
  public long transferTo() throws IOException {
    for (long done = 0; done < bytes; ) {
      done += file.transferTo(at + done, bytes - done, out);
    }
    return next();
  }

  /** Odd steps of the size, so that every place is visited before one is again. */
  private long next() {
    at = (at + 40503L * bytes) % CAPACITY;
    return at;
  }

  @TearDown(Level.Trial)
  public void close() throws IOException, InterruptedException {
    out.close();
    listener.close();
    client.join(10_000);
    file.close();
    Files.delete(directory.resolve("socket"));
    Files.delete(directory.resolve("file"));
    Files.delete(directory);
  }
}
