// SPDX-License-Identifier: Apache-2.0
package org.blksnap.kernel.internal.record;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.UUID;
import org.blksnap.api.block.Consistency;
import org.blksnap.api.block.Errno;
import org.blksnap.enginebase.record.RecordFile;

/**
 * What the kernel does not keep of a snapshot, in {@code snapshots/<id>/snapshot.record}: whose it
 * is, which devices it has, how it was taken. Its images and its storage are in the kernel.
 *
 * @param taken by the host's clock, for people; null before the take
 * @param consistency null before the take
 */
public record SnapshotRecord(
    UUID id,
    String incarnation,
    Phase phase,
    String owner,
    String label,
    Instant created,
    Instant taken,
    Consistency consistency,
    List<String> reasons,
    List<Member> members) {
  /** How far it is. A kill in TAKING leaves it to the kernel whether it was taken. */
  public enum Phase {
    CREATED,
    TAKING,
    TAKEN
  }

  /**
   * A device of it.
   *
   * @param device its name
   * @param path its node
   * @param major number
   * @param minor number
   * @param image name of the image; empty before the take
   * @param error first error of the image
   * @param detail what failed
   * @param changes the map at the take; empty before it, and where it could not be read
   */
  public record Member(
      String device,
      Path path,
      int major,
      int minor,
      String image,
      Errno error,
      String detail,
      Optional<KnownMap> changes) {
    public Member taken(String newImage, Optional<KnownMap> map) {
      return new Member(device, path, major, minor, newImage, error, detail, map);
    }

    public Member imaged(String newImage) {
      return new Member(device, path, major, minor, newImage, error, detail, changes);
    }

    public Member broken(Errno first, String why) {
      return new Member(device, path, major, minor, image, first, why, changes);
    }
  }

  private static final String KIND = "kernel-snapshot";
  private static final String FILE = "snapshot.record";

  public SnapshotRecord {
    reasons = List.copyOf(reasons);
    members = List.copyOf(members);
  }

  public SnapshotRecord in(Phase newPhase) {
    return new SnapshotRecord(
        id, incarnation, newPhase, owner, label, created, taken, consistency, reasons, members);
  }

  /** In another life of the module, as it was named. */
  public SnapshotRecord in(String life) {
    return new SnapshotRecord(
        id, life, phase, owner, label, created, taken, consistency, reasons, members);
  }

  public SnapshotRecord with(List<Member> newMembers) {
    return new SnapshotRecord(
        id, incarnation, phase, owner, label, created, taken, consistency, reasons, newMembers);
  }

  public SnapshotRecord takenAt(
      Instant when, Consistency what, List<String> why, List<Member> newMembers) {
    return new SnapshotRecord(
        id, incarnation, Phase.TAKEN, owner, label, created, when, what, why, newMembers);
  }

  /** On disk when it returns. */
  public void write(Path directory) throws IOException {
    Files.createDirectories(directory);
    Map<String, String> values = new TreeMap<>();
    values.put("id", id.toString());
    values.put("incarnation", incarnation);
    values.put("phase", phase.name());
    values.put("owner", owner);
    values.put("label", label);
    values.put("created", created.toString());
    values.put("taken", taken == null ? "" : taken.toString());
    values.put("consistency", consistency == null ? "" : consistency.name());
    values.put("reasons", Integer.toString(reasons.size()));
    for (int i = 0; i < reasons.size(); i++) {
      values.put("reason." + i, reasons.get(i));
    }
    values.put("members", Integer.toString(members.size()));
    for (int i = 0; i < members.size(); i++) {
      put(values, "member." + i + ".", members.get(i));
    }
    RecordFile.write(directory.resolve(FILE), KIND, values);
  }

  private static void put(Map<String, String> values, String prefix, Member member) {
    values.put(prefix + "device", member.device);
    values.put(prefix + "path", member.path.toString());
    values.put(prefix + "major", Integer.toString(member.major));
    values.put(prefix + "minor", Integer.toString(member.minor));
    values.put(prefix + "image", member.image);
    values.put(prefix + "error", member.error.name());
    values.put(prefix + "detail", member.detail);
    member.changes.ifPresent(known -> known.put(values, prefix + "changes_"));
  }

  /** Fails also where a value is missing or is none. */
  public static SnapshotRecord read(Path directory) throws IOException {
    Map<String, String> values = RecordFile.read(directory.resolve(FILE), KIND);
    List<String> reasons = new ArrayList<>();
    for (int i = 0; i < Integer.parseInt(values.get("reasons")); i++) {
      reasons.add(values.get("reason." + i));
    }
    List<Member> members = new ArrayList<>();
    for (int i = 0; i < Integer.parseInt(values.get("members")); i++) {
      members.add(member(values, "member." + i + "."));
    }
    String taken = values.get("taken");
    String consistency = values.get("consistency");
    return new SnapshotRecord(
        UUID.fromString(values.get("id")),
        values.get("incarnation"),
        Phase.valueOf(values.get("phase")),
        values.get("owner"),
        values.get("label"),
        Instant.parse(values.get("created")),
        taken.isEmpty() ? null : Instant.parse(taken),
        consistency.isEmpty() ? null : Consistency.valueOf(consistency),
        reasons,
        members);
  }

  private static Member member(Map<String, String> values, String prefix) {
    return new Member(
        values.get(prefix + "device"),
        Path.of(values.get(prefix + "path")),
        Integer.parseInt(values.get(prefix + "major")),
        Integer.parseInt(values.get(prefix + "minor")),
        values.get(prefix + "image"),
        Errno.valueOf(values.get(prefix + "error")),
        values.get(prefix + "detail"),
        KnownMap.in(values, prefix + "changes_"));
  }
}
