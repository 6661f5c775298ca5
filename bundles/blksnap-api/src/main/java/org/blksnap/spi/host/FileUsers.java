// SPDX-License-Identifier: Apache-2.0
package org.blksnap.spi.host;

import java.io.FileInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * The processes that have a file or block device open, from /proc: those of this user, or all of
 * them for root, in this process's own namespace; to root alone also those that closed it and still
 * have it mapped for writing, shared. A picture of one moment. Reads with plain streams, as an
 * interrupt would close a channel.
 */
public final class FileUsers {
  /**
   * One process.
   *
   * @param pid its number
   * @param command its name
   * @param writes it has the file open for writing, or mapped so
   * @param locks it holds a lock or a lease of it
   * @param writeLocks one of these is exclusive
   */
  public record User(long pid, String command, boolean writes, boolean locks, boolean writeLocks) {
    /** Of the very process that asks. */
    public boolean self() {
      return pid == ProcessHandle.current().pid();
    }

    String text() {
      String does = writes ? " (open for writing" : " (open for reading";
      String how = writeLocks ? ", locked exclusively)" : locks ? ", locked)" : ")";
      return (self() ? "this process" : "process " + pid + " " + command) + does + how;
    }
  }

  private static final Pattern SHARED_FOR_WRITING =
      Pattern.compile("([0-9a-f]{1,16})-([0-9a-f]{1,16}) .w.s .*");

  private static final int ACCESS_MODE = 3;
  private static final int TYPE = 0xf000;
  private static final int BLOCK = 0x6000;

  private final List<User> all;

  private FileUsers(List<User> all) {
    this.all = List.copyOf(all);
  }

  /** {@code proc} is {@code /proc}. Nobody where the file cannot be looked at. */
  public static FileUsers of(Path proc, Path file) {
    List<User> users = new ArrayList<>();
    Optional<String> wanted = key(file);
    if (wanted.isPresent()) {
      for (Path process : children(proc)) {
        String name = process.getFileName().toString();
        if (Character.isDigit(name.charAt(0))) {
          user(process, Long.parseLong(name), wanted.get()).ifPresent(users::add);
        }
      }
    }
    return new FileUsers(users);
  }

  /** All of them, this process included. */
  public List<User> all() {
    return all;
  }

  /** True where this process alone holds locks, as far as can be seen. */
  public boolean lockedHereAlone() {
    return all.stream().anyMatch(user -> user.self() && user.locks())
        && all.stream().noneMatch(user -> !user.self() && (user.locks() || user.writes()));
  }

  /** Somebody else who is in the way of one who wants to write, or to read what nobody changes. */
  public Optional<User> inTheWay(boolean writable) {
    return all.stream()
        .filter(user -> !user.self())
        .filter(user -> user.writes() || (writable ? user.locks() : user.writeLocks()))
        .findFirst();
  }

  /** For a message. */
  public String text() {
    List<User> telling = all.stream().filter(user -> user.locks() || user.writes()).toList();
    return telling.isEmpty()
        ? "a program that cannot be seen from here (another user's, or in a container)"
        : telling.stream().map(User::text).collect(Collectors.joining(", "));
  }

  private static Optional<User> user(Path process, long pid, String wanted) {
    boolean open = false;
    boolean writes = false;
    boolean locks = false;
    boolean writeLocks = false;
    for (Path descriptor : children(process.resolve("fd"))) {
      if (!key(descriptor).filter(wanted::equals).isPresent()) {
        continue;
      }
      open = true;
      Path info = process.resolve("fdinfo").resolve(descriptor.getFileName().toString());
      for (String line : text(info).lines().toList()) {
        if (line.startsWith("flags:")) {
          writes |= (Long.parseLong(line.substring(6).strip(), 8) & ACCESS_MODE) != 0;
        } else if (line.startsWith("lock:")) {
          locks = true;
          writeLocks |= line.contains("WRITE");
        }
      }
    }
    if (!writes && mapsForWriting(process, wanted)) {
      open = true;
      writes = true;
    }
    String command = text(process.resolve("comm")).strip();
    return open ? Optional.of(new User(pid, command, writes, locks, writeLocks)) : Optional.empty();
  }

  /** A page that is dirty already is written without a trace, whatever became of the descriptor. */
  private static boolean mapsForWriting(Path process, String wanted) {
    return text(process.resolve("maps"))
        .lines()
        .map(SHARED_FOR_WRITING::matcher)
        .filter(Matcher::matches)
        .map(line -> process.resolve("map_files").resolve(plain(line.group(1), line.group(2))))
        .anyMatch(mapping -> key(mapping).filter(wanted::equals).isPresent());
  }

  /** As map_files names it: without the leading zeroes of maps. */
  private static String plain(String from, String to) {
    return Long.toHexString(Long.parseUnsignedLong(from, 16))
        + "-"
        + Long.toHexString(Long.parseUnsignedLong(to, 16));
  }

  /** Device and inode; of a block device its number, by whatever node. */
  private static Optional<String> key(Path path) {
    try {
      Map<String, Object> seen = Files.readAttributes(path, "unix:mode,dev,ino,rdev");
      return Optional.of(
          ((Integer) seen.get("mode") & TYPE) == BLOCK
              ? "block " + seen.get("rdev")
              : seen.get("dev") + " " + seen.get("ino"));
    } catch (IOException | RuntimeException gone) {
      return Optional.empty();
    }
  }

  private static List<Path> children(Path directory) {
    List<Path> children = new ArrayList<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
      entries.forEach(children::add);
    } catch (IOException | RuntimeException gone) {
      return children;
    }
    return children;
  }

  private static String text(Path file) {
    try (FileInputStream in = new FileInputStream(file.toFile())) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException gone) {
      return "";
    }
  }
}
