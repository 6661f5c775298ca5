// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.snapshot;

import java.nio.file.Path;
import java.util.Objects;

/**
 * What to attach and how. Begins with {@link #of}: read-write, exclusive, remembered, its name made
 * from the file's. Each method that takes a value answers a changed copy; a request never changes.
 */
public final class AttachRequest {
  private final Path path;
  private final String name;
  private final boolean readOnly;
  private final boolean force;
  private final boolean durable;
  private final boolean persistent;

  private AttachRequest(
      Path path,
      String name,
      boolean readOnly,
      boolean force,
      boolean durable,
      boolean persistent) {
    this.path = Objects.requireNonNull(path, "path");
    this.name = name;
    this.readOnly = readOnly;
    this.force = force;
    this.durable = durable;
    this.persistent = persistent;
  }

  /** Read-write, exclusive, remembered. The path is that of a regular file or a block device. */
  public static AttachRequest of(Path path) {
    return new AttachRequest(path, null, false, false, false, true);
  }

  /** Regular file or block device. */
  public Path path() {
    return path;
  }

  /** Regular file or block device. */
  public AttachRequest at(Path newPath) {
    return new AttachRequest(newPath, name, readOnly, force, durable, persistent);
  }

  /** The name to give it; null for one made from the file's. */
  public String name() {
    return name;
  }

  /** The name to give it; null for one made from the file's. */
  public AttachRequest named(String newName) {
    return new AttachRequest(path, newName, readOnly, force, durable, persistent);
  }

  /** Whether writes are refused with EROFS. */
  public boolean readOnly() {
    return readOnly;
  }

  /** Whether writes are refused with EROFS. */
  public AttachRequest readOnly(boolean value) {
    return new AttachRequest(path, name, value, force, durable, persistent);
  }

  /** Whether a block device is attached even where it is mounted or exclusively open elsewhere. */
  public boolean force() {
    return force;
  }

  /** Whether a block device is attached even where it is mounted or exclusively open elsewhere. */
  public AttachRequest force(boolean value) {
    return new AttachRequest(path, name, readOnly, value, durable, persistent);
  }

  /**
   * Whether the change map of a file is kept over a power loss where nobody had written to it for 5
   * s; costs a forced write at the first write of each tracking block, and at each stir.
   */
  public boolean durable() {
    return durable;
  }

  /** See {@link #durable()}. */
  public AttachRequest durable(boolean value) {
    return new AttachRequest(path, name, readOnly, force, value, persistent);
  }

  /** Whether it is attached again when the service starts. */
  public boolean persistent() {
    return persistent;
  }

  /** Whether it is attached again when the service starts. */
  public AttachRequest persistent(boolean value) {
    return new AttachRequest(path, name, readOnly, force, durable, value);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof AttachRequest that
        && path.equals(that.path)
        && Objects.equals(name, that.name)
        && readOnly == that.readOnly
        && force == that.force
        && durable == that.durable
        && persistent == that.persistent;
  }

  @Override
  public int hashCode() {
    return Objects.hash(path, name, readOnly, force, durable, persistent);
  }

  @Override
  public String toString() {
    return path
        + (name == null ? "" : " as " + name)
        + (readOnly ? ", read-only" : "")
        + (force ? ", forced" : "")
        + (durable ? ", durable" : "")
        + (persistent ? "" : ", until the service stops");
  }
}
