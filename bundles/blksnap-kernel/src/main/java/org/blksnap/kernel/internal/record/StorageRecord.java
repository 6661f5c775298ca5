// SPDX-License-Identifier: Apache-2.0
package org.blksnap.kernel.internal.record;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.blksnap.enginebase.record.RecordFile;

/**
 * What was given to the storage of a snapshot, in {@code snapshots/<id>/storage.record}: written
 * before the kernel gets it, so that nothing lent is forgotten by a kill.
 *
 * @param parts in the order given
 * @param places directories that it grows in
 * @param requested bytes that the kernel has asked for in all, as far as it was heard
 * @param filled bytes that are known to be filled, by when it asked
 * @param left the engine that wrote this has stopped in order: nothing was under way
 */
public record StorageRecord(
    List<StoragePart> parts, List<Place> places, long requested, long filled, boolean left) {
  /**
   * A directory that it grows in.
   *
   * @param directory absolute
   * @param limit bytes
   */
  public record Place(Path directory, long limit) {}

  /** Of a snapshot just made. */
  public static final StorageRecord NONE = new StorageRecord(List.of(), List.of(), 0, 0, false);

  private static final String KIND = "kernel-storage";
  private static final String FILE = "storage.record";

  public StorageRecord {
    parts = List.copyOf(parts);
    places = List.copyOf(places);
  }

  public StorageRecord with(List<StoragePart> newParts) {
    return new StorageRecord(newParts, places, requested, filled, false);
  }

  public StorageRecord and(Place place) {
    List<Place> all = new ArrayList<>(places);
    all.add(place);
    return new StorageRecord(parts, all, requested, filled, false);
  }

  public StorageRecord without(Place place) {
    return new StorageRecord(
        parts, places.stream().filter(p -> !p.equals(place)).toList(), requested, filled, false);
  }

  public StorageRecord asked(long newRequested, long newFilled) {
    return new StorageRecord(parts, places, newRequested, newFilled, false);
  }

  public StorageRecord leaving() {
    return new StorageRecord(parts, places, requested, filled, true);
  }

  /** Bytes given so far. */
  public long capacity() {
    return parts.stream().mapToLong(StoragePart::bytes).sum();
  }

  /** Bytes of ours in a directory. */
  public long grownIn(Path directory) {
    return parts.stream()
        .filter(part -> part.lent() && directory.equals(part.given().getParent()))
        .mapToLong(StoragePart::bytes)
        .sum();
  }

  /** On disk when it returns. */
  public void write(Path directory) throws IOException {
    Map<String, String> values = new TreeMap<>();
    values.put("requested", Long.toString(requested));
    values.put("filled", Long.toString(filled));
    values.put("left", Boolean.toString(left));
    values.put("parts", Integer.toString(parts.size()));
    for (int i = 0; i < parts.size(); i++) {
      StoragePart.put(values, "part." + i + ".", parts.get(i));
    }
    values.put("places", Integer.toString(places.size()));
    for (int i = 0; i < places.size(); i++) {
      values.put("place." + i + ".directory", places.get(i).directory().toString());
      values.put("place." + i + ".limit", Long.toString(places.get(i).limit()));
    }
    RecordFile.write(directory.resolve(FILE), KIND, values);
  }

  /** Where there is none, nothing was given. Fails also where a value is missing or is none. */
  public static StorageRecord read(Path directory) throws IOException {
    if (!Files.exists(directory.resolve(FILE))) {
      return NONE;
    }
    Map<String, String> values = RecordFile.read(directory.resolve(FILE), KIND);
    List<StoragePart> parts = new ArrayList<>();
    for (int i = 0; i < Integer.parseInt(values.get("parts")); i++) {
      parts.add(StoragePart.in(values, "part." + i + "."));
    }
    List<Place> places = new ArrayList<>();
    for (int i = 0; i < Integer.parseInt(values.get("places")); i++) {
      places.add(
          new Place(
              Path.of(values.get("place." + i + ".directory")),
              Long.parseLong(values.get("place." + i + ".limit"))));
    }
    return new StorageRecord(
        parts,
        places,
        Long.parseLong(values.get("requested")),
        Long.parseLong(values.get("filled")),
        Boolean.parseBoolean(values.get("left")));
  }
}
