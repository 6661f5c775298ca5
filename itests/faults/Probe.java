// SPDX-License-Identifier: Apache-2.0
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Scanner;

/**
 * Does to one file what each line of its input says, by the JDK's own ways, and answers each with a
 * line: what came of it, and how many milliseconds it took.
 */
public class Probe {
  public static void main(String[] arguments) throws Exception {
    Path path = Path.of(arguments[0]);
    FileChannel channel = FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE);
    Scanner lines = new Scanner(System.in);
    while (lines.hasNextLine()) {
      long begin = System.nanoTime();
      String answer;
      try {
        answer = answer(lines.nextLine(), path, channel);
      } catch (Exception e) {
        answer = "failed: " + e.getMessage();
      }
      System.out.println((System.nanoTime() - begin) / 1_000_000 + " " + answer);
    }
  }

  private static String answer(String line, Path path, FileChannel channel) throws Exception {
    switch (line) {
      case "clock":
        return System.currentTimeMillis() + " " + System.nanoTime() / 1_000_000;
      case "pwrite":
        return "wrote " + channel.write(ByteBuffer.allocateDirect(4096), 0);
      case "write":
        return "wrote " + channel.position(8192).write(ByteBuffer.allocate(4096));
      case "writev":
        return "wrote " + channel.position(8192).write(new ByteBuffer[] {ByteBuffer.allocate(1024), ByteBuffer.allocate(3072)});
      case "pread":
        return "read " + channel.read(ByteBuffer.allocateDirect(4096), 0);
      case "read":
        return "read " + channel.position(0).read(ByteBuffer.allocate(4096));
      case "force":
        channel.force(true);
        return "forced";
      case "forcedata":
        channel.force(false);
        return "forced";
      case "truncate":
        channel.truncate(65536);
        return "truncated";
      case "map":
        return "mapped " + channel.map(FileChannel.MapMode.READ_ONLY, 0, 4096).get(0);
      case "open":
        FileChannel.open(path, StandardOpenOption.READ).close();
        return "opened";
      case "openwrite":
        FileChannel.open(path, StandardOpenOption.WRITE).close();
        return "opened";
      case "sleep":
        Thread.sleep(200);
        return "slept";
      default:
        return "unknown: " + line;
    }
  }
}
