// SPDX-License-Identifier: Apache-2.0
package org.blksnap.enginebase.record;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.CRC32C;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;

/**
 * A small text file of key=value lines, written whole and swapped in by a rename, so that a kill
 * leaves the old one or the new.
 *
 * <pre>
 * blksnap-record 1 &lt;kind&gt;        first line: magic, version, kind
 * key=value                     sorted; backslash, line feed and carriage return in values are escaped
 * crc32c=xxxxxxxx               last line: over all bytes before it, eight hex digits
 * </pre>
 *
 * What is larger than 16 MiB is not written (EFBIG). Damaged (EFAULT), another version (EOPNOTSUPP)
 * and another kind (EINVAL) are different errors.
 */
public final class RecordFile {
  private static final String MAGIC = "blksnap-record";
  private static final int VERSION = 1;
  private static final long LARGEST = 16 << 20;

  private RecordFile() {}

  public static void write(Path file, String kind, Map<String, String> values) throws IOException {
    write(file, kind, values, true);
  }

  /** As {@link #write}, for what a loss of power may take: a kill leaves the old one or the new. */
  public static void writeUnforced(Path file, String kind, Map<String, String> values)
      throws IOException {
    write(file, kind, values, false);
  }

  private static void write(Path file, String kind, Map<String, String> values, boolean forced)
      throws IOException {
    StringBuilder text = new StringBuilder();
    text.append(MAGIC).append(' ').append(VERSION).append(' ').append(kind).append('\n');
    for (Map.Entry<String, String> entry : new TreeMap<>(values).entrySet()) {
      text.append(entry.getKey()).append('=').append(escape(entry.getValue())).append('\n');
    }
    String checksum = checksum(text.toString());
    text.append("crc32c=").append(checksum).append('\n');
    ByteBuffer bytes = StandardCharsets.UTF_8.encode(text.toString());
    if (bytes.remaining() > LARGEST) {
      throw new BlksnapException(
          Errno.EFBIG,
          file
              + " was not written: it would have "
              + bytes.remaining()
              + " bytes, allowed are "
              + LARGEST
              + ", as more would not be read again");
    }
    Path fresh = file.resolveSibling(file.getFileName() + ".new");
    try (FileChannel channel =
        FileChannel.open(
            fresh,
            StandardOpenOption.CREATE,
            StandardOpenOption.TRUNCATE_EXISTING,
            StandardOpenOption.WRITE)) {
      while (bytes.hasRemaining()) {
        channel.write(bytes);
      }
      if (forced) {
        channel.force(true);
      }
    }
    Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    if (forced) {
      forceEntries(file.toAbsolutePath().getParent());
    }
  }

  /** The rename is on disk too. */
  private static void forceEntries(Path directory) throws IOException {
    try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }

  public static Map<String, String> read(Path file, String kind) throws IOException {
    if (Files.size(file) > LARGEST) {
      throw damaged(file, "it is larger than " + LARGEST + " bytes");
    }
    String text = new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
    int last = text.lastIndexOf("crc32c=");
    if (last < 0
        || !text.substring(last).equals("crc32c=" + checksum(text.substring(0, last)) + "\n")) {
      throw damaged(file, "its checksum does not match");
    }
    String[] lines = text.substring(0, last).split("\n");
    String[] head = lines[0].split(" ");
    if (head.length != 3 || !head[0].equals(MAGIC)) {
      throw damaged(file, "it is not a record");
    }
    if (!head[1].equals(Integer.toString(VERSION))) {
      throw new BlksnapException(
          Errno.EOPNOTSUPP,
          file + " is of version " + head[1] + "; this software reads version " + VERSION);
    }
    if (!head[2].equals(kind)) {
      throw new BlksnapException(
          Errno.EINVAL, file + " is a record of kind " + head[2] + ", not " + kind);
    }
    Map<String, String> values = new TreeMap<>();
    for (int line = 1; line < lines.length; line++) {
      int equals = lines[line].indexOf('=');
      if (equals < 0) {
        throw damaged(file, "line " + (line + 1) + " has no '='");
      }
      values.put(lines[line].substring(0, equals), unescape(lines[line].substring(equals + 1)));
    }
    return values;
  }

  private static BlksnapException damaged(Path file, String why) {
    return new BlksnapException(Errno.EFAULT, file + " is damaged: " + why);
  }

  private static String checksum(String text) {
    CRC32C crc = new CRC32C();
    crc.update(text.getBytes(StandardCharsets.UTF_8));
    return String.format("%08x", crc.getValue());
  }

  private static String escape(String value) {
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r");
  }

  private static String unescape(String value) {
    StringBuilder plain = new StringBuilder(value.length());
    for (int i = 0; i < value.length(); i++) {
      char c = value.charAt(i);
      if (c == '\\' && i + 1 < value.length()) {
        char next = value.charAt(++i);
        plain.append(next == 'n' ? '\n' : next == 'r' ? '\r' : next);
      } else {
        plain.append(c);
      }
    }
    return plain.toString();
  }
}
