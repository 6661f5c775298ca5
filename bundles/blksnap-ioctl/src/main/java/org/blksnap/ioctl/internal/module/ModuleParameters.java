// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.module;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.stream.Stream;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;

/** The files of a module's parameters. Any thread. */
final class ModuleParameters {
  /** The order in which those that are known are told; others follow by name. */
  private static final List<String> ORDER =
      List.of(
          "tracking_block_minimum_shift",
          "tracking_block_maximum_count",
          "tracking_block_maximum_shift",
          "chunk_minimum_shift",
          "chunk_maximum_count",
          "chunk_maximum_count_shift",
          "chunk_maximum_shift",
          "chunk_maximum_in_queue",
          "chunk_maximum_in_cache",
          "free_diff_buffer_pool_size",
          "diff_storage_minimum");

  private final Path directory;

  ModuleParameters(Path directory) {
    this.directory = directory;
  }

  /** What is no integer, or may not be read, is left out. */
  Map<String, Long> all() throws BlksnapException {
    List<String> names = names();
    Map<String, Long> values = new LinkedHashMap<>();
    for (String name : names) {
      OptionalLong value = value(directory.resolve(name));
      if (value.isPresent()) {
        values.put(name, value.getAsLong());
      }
    }
    return values;
  }

  void set(String name, long value) throws BlksnapException {
    Path file = file(name);
    ByteBuffer text = ByteBuffer.wrap((value + "\n").getBytes(StandardCharsets.US_ASCII));
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      channel.write(text);
    } catch (NoSuchFileException absent) {
      throw absent(name);
    } catch (IOException failure) {
      throw refused(name, value, failure);
    }
  }

  private BlksnapException refused(String name, long value, IOException failure) {
    Errno errno = BlksnapException.errnoOf(failure);
    String advice =
        switch (errno) {
          case EINVAL, ERANGE ->
              "; the module refuses it as out of its bounds, which its log tells (dmesg)";
          case EACCES, EPERM -> "; run as root: the file is for its owner alone to write";
          default -> "";
        };
    OptionalLong present = value(directory.resolve(name));
    return new BlksnapException(
        errno,
        "parameter "
            + name
            + "="
            + value
            + ": "
            + errno.text()
            + (present.isPresent() ? "; it is " + present.getAsLong() : "")
            + advice,
        failure);
  }

  private BlksnapException absent(String name) throws BlksnapException {
    return new BlksnapException(
        Errno.ENOENT, "parameter " + name + ": the module has none of this name, but " + names());
  }

  /** A name is a file's own, never a way to another place. */
  private Path file(String name) throws BlksnapException {
    if (!name.matches("\\w+")) {
      throw absent(name);
    }
    return directory.resolve(name);
  }

  private List<String> names() throws BlksnapException {
    try (Stream<Path> files = Files.list(directory)) {
      List<String> found =
          new ArrayList<>(files.map(file -> file.getFileName().toString()).sorted().toList());
      List<String> ordered = new ArrayList<>(ORDER);
      ordered.retainAll(found);
      found.removeAll(ordered);
      ordered.addAll(found);
      return ordered;
    } catch (IOException failure) {
      throw new BlksnapException(
          BlksnapException.errnoOf(failure),
          "parameters of the module in " + directory + " cannot be listed: " + failure,
          failure);
    }
  }

  private static OptionalLong value(Path file) {
    try {
      return OptionalLong.of(Long.parseLong(Files.readString(file).strip()));
    } catch (IOException | NumberFormatException notOne) {
      return OptionalLong.empty();
    }
  }
}
