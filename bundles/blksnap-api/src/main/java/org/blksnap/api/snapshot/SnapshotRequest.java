// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.snapshot;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * What a snapshot shall be: its devices, its storage, what it is called and whose it is. Begins
 * with {@link #of}; each further method answers a changed copy; a request never changes.
 */
public final class SnapshotRequest {
  /** Most characters of a label or an owner. */
  public static final int LONGEST_TEXT = 256;

  private final List<String> devices;
  private final List<StorageGrant> storage;
  private final String label;
  private final String owner;

  private SnapshotRequest(
      List<String> devices, List<StorageGrant> storage, String label, String owner) {
    this.devices = List.copyOf(devices);
    this.storage = List.copyOf(storage);
    this.label = label;
    this.owner = owner;
  }

  /** Attached devices by name, path or {@code major:minor}; with the engine's default storage. */
  public static SnapshotRequest of(String... devices) {
    return of(List.of(devices));
  }

  /** As {@link #of(String...)}. */
  public static SnapshotRequest of(List<String> devices) {
    return new SnapshotRequest(devices, List.of(), "", "");
  }

  /** The devices, in the order given. */
  public List<String> devices() {
    return devices;
  }

  /** What was given; empty: {@link SnapshotService#take} gives {@link StorageGrant#byDefault}. */
  public List<StorageGrant> storage() {
    return storage;
  }

  /** One more place for its storage, in place of the default. */
  public SnapshotRequest on(StorageGrant grant) {
    List<StorageGrant> all = new ArrayList<>(storage);
    all.add(Objects.requireNonNull(grant, "grant"));
    return new SnapshotRequest(devices, all, label, owner);
  }

  /** A word for people, shown in listings; empty for none. */
  public String label() {
    return label;
  }

  /**
   * A word for people, shown in listings: what it is for. At most {@link #LONGEST_TEXT} characters,
   * none of them a control character.
   *
   * @throws IllegalArgumentException where it is not so
   */
  public SnapshotRequest labelled(String newLabel) {
    return new SnapshotRequest(devices, storage, checked("label", newLabel), owner);
  }

  /** Whose it is; empty: the bundle that asks. */
  public String owner() {
    return owner;
  }

  /**
   * Whose it is: the symbolic name of a bundle, which is the bundle that asks where this is not
   * called. Bounds as {@link #labelled}.
   *
   * @throws IllegalArgumentException where it is not so
   */
  public SnapshotRequest ownedBy(String newOwner) {
    return new SnapshotRequest(devices, storage, label, checked("owner", newOwner));
  }

  private static String checked(String what, String text) {
    if (text.length() > LONGEST_TEXT || text.chars().anyMatch(Character::isISOControl)) {
      throw new IllegalArgumentException(
          what
              + " of "
              + text.length()
              + " characters refused: allowed are up to "
              + LONGEST_TEXT
              + " and no control characters");
    }
    return text;
  }
}
