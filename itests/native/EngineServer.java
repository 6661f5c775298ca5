// SPDX-License-Identifier: Apache-2.0

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Random;
import org.blksnap.api.block.BlockDevice;
import org.blksnap.ioctl.internal.control.CallServer;
import org.blksnap.ioctl.internal.dispatch.ControlDispatcher;
import org.blksnap.testkit.engine.TestEngine;

/**
 * The userspace engine, and the socket for native programs, in a plain JVM. Reads orders from
 * standard input, a line each, and answers each with a line that begins with "ok" or "error":
 *
 * <pre>
 * write DEVICE OFFSET LENGTH SEED   random bytes, through the engine
 * image NAME FILE                   copies an image's bytes to a file
 * restart                           stops the engine as a distribution is stopped, and starts it
 * close, open                       the socket
 * threads                           how many serve calls
 * parameter NAME VALUE              one of the nine
 * </pre>
 */
final class EngineServer {
  /** How long a call waits for an engine that is away. */
  private static final Duration PATIENCE = Duration.ofSeconds(5);

  private static final int PIECE = 1 << 20;

  private final TestEngine engine;
  private final Path socket;
  private CallServer server;

  private EngineServer(TestEngine engine, Path socket) throws IOException {
    this.engine = engine;
    this.socket = socket;
    open();
  }

  /** Arguments: the engine's directory, the socket. */
  public static void main(String[] arguments) throws IOException {
    try (TestEngine engine = TestEngine.in(Path.of(arguments[0]))) {
      EngineServer server = new EngineServer(engine, Path.of(arguments[1]));
      System.out.println("ok ready");
      BufferedReader orders =
          new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
      for (String order = orders.readLine(); order != null; order = orders.readLine()) {
        System.out.println(server.answer(order.split(" ")));
      }
      server.close();
    }
  }

  private String answer(String[] words) {
    try {
      return "ok" + carryOut(words);
    } catch (IOException | RuntimeException e) {
      return "error " + e;
    }
  }

  private String carryOut(String[] words) throws IOException {
    switch (words[0]) {
      case "write" -> write(device(words[1]), Long.parseLong(words[2]), words[3], words[4]);
      case "image" -> copy(engine.service().image(words[1]).orElseThrow(), Path.of(words[2]));
      case "restart" -> engine.restart();
      case "close" -> close();
      case "open" -> open();
      case "threads" -> {
        return " " + threads();
      }
      default -> throw new IllegalArgumentException("no order " + words[0]);
    }
    return "";
  }

  private void open() throws IOException {
    server =
        new CallServer(
            socket,
            new ControlDispatcher(
                () -> {
                  try {
                    return engine.service();
                  } catch (IllegalStateException e) {
                    return null;
                  }
                },
                PATIENCE));
  }

  private void close() {
    server.close();
  }

  private static long threads() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().matches("blksnap-ioctl-[0-9]+"))
        .count();
  }

  private BlockDevice device(String path) {
    return engine.service().device(path).orElseThrow();
  }

  private static void write(BlockDevice device, long offset, String length, String seed)
      throws IOException {
    byte[] bytes = new byte[Integer.parseInt(length)];
    new Random(Long.parseLong(seed)).nextBytes(bytes);
    device.write(ByteBuffer.wrap(bytes), offset);
    device.flush();
  }

  private static void copy(BlockDevice image, Path to) throws IOException {
    Files.deleteIfExists(to);
    try (FileChannel file =
        FileChannel.open(to, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      for (long at = 0; at < image.capacity(); at += PIECE) {
        ByteBuffer piece = ByteBuffer.allocate((int) Math.min(PIECE, image.capacity() - at));
        image.read(piece, at);
        file.write(piece.flip(), at);
      }
    }
  }
}
