// SPDX-License-Identifier: Apache-2.0
package org.blksnap.diffstorage.internal;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.function.Supplier;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Errno;
import org.blksnap.api.block.Geometry;
import org.blksnap.linux.file.EnduringFile;
import org.blksnap.linux.file.FileIdentity;
import org.blksnap.spi.host.HostOperations;

/**
 * What one pool is made of. It only grows. Whatever is added is noted in the state file first and
 * appears in the address table afterwards, so that no address exists which the file does not know.
 *
 * <p>All methods but {@link #table}, {@link #records} and {@link #lostTo} are called under the
 * pool's lock; these answer from immutable pictures to any thread.
 */
final class PoolContents {
  private final UUID snapshot;
  private final StateFile state;
  private final BackingFiles backing;
  private final RangeClaims claims;
  private final Supplier<HostOperations> host;
  private final Map<FileIdentity, BackingFile> files = new HashMap<>();
  private final List<ByteBuffer> memory = new ArrayList<>();
  private final List<GrowingDirectory> directories = new ArrayList<>();
  private int grownFiles;
  private volatile AddressTable table;
  private volatile List<PartRecord> records = List.of();

  PoolContents(
      UUID snapshot,
      StateFile state,
      BackingFiles backing,
      RangeClaims claims,
      Supplier<HostOperations> host) {
    this.snapshot = snapshot;
    this.state = state;
    this.backing = backing;
    this.claims = claims;
    this.host = host;
    this.table = new AddressTable(snapshot);
  }

  AddressTable table() {
    return table;
  }

  List<PartRecord> records() {
    return records;
  }

  /** Opens again what the records tell of. {@code kept} is the memory a predecessor left. */
  void restore(List<PartRecord> noted, List<ByteBuffer> kept) throws BlksnapException {
    List<Part> parts = new ArrayList<>();
    for (PartRecord record : noted) {
      switch (record.kind()) {
        case RANGE, GROWN -> parts.add(reopen(record));
        case MEMORY -> parts.add(remember(record, kept));
        case DIRECTORY ->
            directories.add(
                new GrowingDirectory(Path.of(record.path()), snapshot, record.length(), 0, host));
      }
    }
    publish(noted, parts);
  }

  private Part reopen(PartRecord record) throws BlksnapException {
    Path path = Path.of(record.path());
    ByteRange range = new ByteRange(record.offset(), record.length());
    FileIdentity identity;
    EnduringFile file;
    try {
      identity = RangeRules.identify(path);
      String key = PartRecord.keyOf(identity);
      if (!key.equals(record.key())) {
        throw gone(path + " is another file now: " + key + ", not " + record.key());
      }
      file = fileOf(path, identity);
      if (sizeOf(file, path) < range.end()) {
        throw gone(
            path
                + " has "
                + sizeOf(file, path)
                + " bytes, of which "
                + range.end()
                + " are needed");
      }
    } catch (BlksnapException e) {
      throw e.errno() == Errno.EFAULT ? e : gone(e.getMessage());
    }
    claims.claim(snapshot, identity, path, List.of(range));
    if (record.kind() == PartRecord.Kind.GROWN) {
      grownFiles++;
      directories.stream()
          .filter(directory -> directory.holds(path))
          .findFirst()
          .ifPresent(directory -> directory.used(record.length()));
    }
    return new FilePart(file, record.offset());
  }

  private Part remember(PartRecord record, List<ByteBuffer> kept) throws BlksnapException {
    if (memory.size() >= kept.size() || kept.get(memory.size()).capacity() != record.length()) {
      throw gone(
          "a part in memory is gone: the process that held it has ended, or its hand-over took too long");
    }
    memory.add(kept.get(memory.size()));
    return new MemoryPart(memory.get(memory.size() - 1));
  }

  private BlksnapException gone(String what) {
    return new BlksnapException(
        Errno.EFAULT,
        "difference storage of snapshot "
            + snapshot
            + " cannot be taken up again: "
            + what
            + "; destroy the snapshot");
  }

  void addRanges(Path given, List<ByteRange> ranges, Geometry geometry) throws BlksnapException {
    Path path = given.toAbsolutePath();
    FileIdentity identity = RangeRules.identify(path);
    List<ByteRange> checked =
        RangeRules.check(path, ranges, RangeRules.usable(path, identity, geometry));
    claims.claim(snapshot, identity, path, checked);
    try {
      EnduringFile file = fileOf(path, identity);
      long size = sizeOf(file, path);
      List<PartRecord> noted = new ArrayList<>();
      List<Part> parts = new ArrayList<>();
      long base = table.capacity();
      for (ByteRange range : checked) {
        if (range.end() > size) {
          throw new BlksnapException(
              Errno.EINVAL, path + ": bytes up to " + range.end() + " refused: it has " + size);
        }
        noted.add(
            new PartRecord(
                PartRecord.Kind.RANGE,
                geometry.logicalBlockSize(),
                base,
                range.length(),
                range.offset(),
                PartRecord.keyOf(identity),
                path.toString()));
        parts.add(new FilePart(file, range.offset()));
        base += range.length();
      }
      state.append(noted);
      publish(noted, parts);
    } catch (BlksnapException e) {
      claims.release(snapshot, identity, checked);
      dropUnused();
      throw e;
    }
  }

  private EnduringFile fileOf(Path path, FileIdentity identity) throws BlksnapException {
    BackingFile file = files.get(identity);
    if (file == null) {
      file = backing.open(path, identity);
      files.put(identity, file);
    }
    return file.bytes();
  }

  private static long sizeOf(EnduringFile file, Path path) throws BlksnapException {
    try {
      return file.size();
    } catch (IOException e) {
      throw Failures.of(e, path, "asking for its size");
    }
  }

  private void dropUnused() {
    files
        .values()
        .removeIf(
            file -> {
              boolean unused = !table.uses(file.bytes());
              if (unused) {
                file.close();
              }
              return unused;
            });
  }

  void addMemory(long bytes) throws BlksnapException {
    List<ByteBuffer> pieces = DirectMemory.allocate(bytes);
    List<PartRecord> noted = new ArrayList<>();
    List<Part> parts = new ArrayList<>();
    long base = table.capacity();
    for (ByteBuffer piece : pieces) {
      noted.add(PartRecord.memory(base, piece.capacity()));
      parts.add(new MemoryPart(piece));
      base += piece.capacity();
    }
    state.append(noted);
    memory.addAll(pieces);
    publish(noted, parts);
  }

  /** Adds a directory together with its first file. */
  void addDirectory(Path given, long limit, long portion) throws BlksnapException {
    Path path = given.toAbsolutePath().normalize();
    long whole = limit / ByteRange.SECTOR * ByteRange.SECTOR;
    if (whole <= 0) {
      throw new BlksnapException(
          Errno.EINVAL, path + ": limit of " + limit + " bytes refused: give 512 or more");
    }
    if (!Files.isDirectory(path)) {
      boolean there = Files.exists(path, LinkOption.NOFOLLOW_LINKS);
      throw new BlksnapException(
          there ? Errno.ENOTDIR : Errno.ENOENT,
          path + (there ? " is no directory" : " is not there") + "; give a directory to grow in");
    }
    if (directories.stream().anyMatch(directory -> directory.path().equals(path))) {
      throw new BlksnapException(
          Errno.EINVAL, path + " refused: it was given before; give each directory once");
    }
    GrowingDirectory directory = new GrowingDirectory(path, snapshot, whole, 0, host);
    growIn(directory, Math.min(portion, whole), PartRecord.directory(path.toString(), whole));
    directories.add(directory);
  }

  /**
   * Grows one of the directories by {@code wanted} bytes, or by what is left below its limit; at
   * least by {@code needed} where that is more. Where the file system has no room for so much, by
   * what is needed alone. Answers whether it grew; the reasons are added to {@code failures}.
   */
  boolean grow(long wanted, long needed, List<BlksnapException> failures) {
    for (GrowingDirectory directory : directories) {
      if (directory.room() < Math.max(needed, ByteRange.SECTOR)) {
        continue;
      }
      long length = Math.min(directory.room(), Math.max(wanted, needed));
      try {
        growIn(directory, length, null);
        return true;
      } catch (BlksnapException e) {
        failures.add(e);
        if (!Failures.noRoom(e) || needed == 0 || needed >= length) {
          continue;
        }
      }
      try {
        growIn(directory, needed, null);
        return true;
      } catch (BlksnapException e) {
        failures.add(e);
      }
    }
    return false;
  }

  /** True where a directory is below its limit. */
  boolean canGrow() {
    return directories.stream().anyMatch(directory -> directory.room() >= ByteRange.SECTOR);
  }

  private void growIn(GrowingDirectory directory, long length, PartRecord first)
      throws BlksnapException {
    Path file = directory.make(grownFiles, length);
    try {
      noteGrown(file, length, first);
    } catch (BlksnapException e) {
      dropUnused();
      GrowingDirectory.remove(file);
      throw e;
    }
    grownFiles++;
    directory.used(length);
  }

  private void noteGrown(Path file, long length, PartRecord first) throws BlksnapException {
    FileIdentity identity = RangeRules.identify(file);
    List<ByteRange> whole = List.of(new ByteRange(0, length));
    claims.claim(snapshot, identity, file, whole);
    try {
      BackingFile made = backing.openMade(file, identity);
      files.put(identity, made);
      Part part = new FilePart(made.bytes(), 0);
      PartRecord record =
          PartRecord.grown(table.capacity(), length, PartRecord.keyOf(identity), file.toString());
      List<PartRecord> noted = first == null ? List.of(record) : List.of(first, record);
      state.append(noted);
      publish(noted, List.of(part));
    } catch (BlksnapException e) {
      claims.release(snapshot, identity, whole);
      throw e;
    }
  }

  private void publish(List<PartRecord> noted, List<Part> parts) {
    List<PartRecord> all = new ArrayList<>(records);
    all.addAll(noted);
    records = List.copyOf(all);
    table =
        table.with(
            parts, noted.stream().filter(PartRecord::hasRoom).map(PartRecord::length).toList());
  }

  /** Bytes up to which it may grow by itself. */
  long limit() {
    return records.stream().filter(record -> !record.hasRoom()).mapToLong(PartRecord::length).sum();
  }

  /** Bytes at the ends of parts in which no chunk of that size fits. */
  long lostTo(int chunk) {
    return records.stream()
        .filter(PartRecord::hasRoom)
        .mapToLong(record -> record.length() % chunk)
        .sum();
  }

  List<ByteBuffer> memory() {
    return List.copyOf(memory);
  }

  List<EnduringFile> openFiles() {
    return files.values().stream().map(BackingFile::bytes).toList();
  }

  void close() {
    files.values().forEach(BackingFile::close);
    claims.release(snapshot);
  }

  /** Removes the files it made itself. */
  void clear() {
    directories.forEach(GrowingDirectory::clear);
  }
}
