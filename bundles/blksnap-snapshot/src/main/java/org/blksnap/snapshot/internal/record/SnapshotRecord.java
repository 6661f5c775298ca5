// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal.record;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import java.util.stream.Stream;
import org.blksnap.api.block.BlockSizeRule;
import org.blksnap.api.block.Consistency;
import org.blksnap.api.block.Errno;
import org.blksnap.api.block.Geometry;
import org.blksnap.api.change.CbtInfo;
import org.blksnap.api.change.GenerationReason;
import org.blksnap.enginebase.record.RecordFile;

/**
 * What is kept of a snapshot besides its storage and diff areas: {@code snapshot.record}.
 *
 * @param origin its id and where it comes from
 * @param phase how far it is
 * @param taken when, null before
 * @param bootId of the kernel under which it was last written; a kill leaves saved chunks in the
 *     page cache, a power cut does not
 * @param clean everything was forced to disk before this was written
 * @param consistency of its images; null before the take and in a record of an older version
 * @param reasons why it is that and not more
 * @param members its devices, in the order they were added
 */
public record SnapshotRecord(
    Origin origin,
    Phase phase,
    Instant taken,
    String bootId,
    boolean clean,
    Consistency consistency,
    List<String> reasons,
    List<Member> members) {
  private static final String KIND = "snapshot";
  private static final String FILE = "snapshot.record";

  /** TAKING is found after a kill alone, and means: not taken. */
  public enum Phase {
    CREATED,
    TAKING,
    TAKEN,
    DESTROYING
  }

  /**
   * One device of it. Geometry, rule and generation are null before the take; error is the first
   * one.
   *
   * @param rule chunk size rule in force at the take
   * @param generation of the device's change map while the image was last known to be good; null
   *     also in a record of an older version, and where the map could not be read
   * @param changes the device's change map at the take; null before it, in a record of an older
   *     version, and where the map could not be read
   */
  public record Member(
      String device,
      String image,
      Geometry geometry,
      BlockSizeRule rule,
      UUID generation,
      Errno error,
      String detail,
      CbtInfo changes) {
    public static Member added(String device) {
      return new Member(device, "", null, null, null, Errno.OK, "", null);
    }

    /** The same under this generation of the device's change map. */
    public Member under(UUID present) {
      return new Member(device, image, geometry, rule, present, error, detail, changes);
    }

    /** The same with the device's change map as it was at the take. */
    public Member tracked(CbtInfo taken) {
      return new Member(device, image, geometry, rule, taken.generationId(), error, detail, taken);
    }

    /** The same with an error. */
    public Member broken(Errno first, String why) {
      return new Member(device, image, geometry, rule, generation, first, why, changes);
    }
  }

  public SnapshotRecord {
    reasons = List.copyOf(reasons);
    members = List.copyOf(members);
  }

  public UUID id() {
    return origin.id();
  }

  public void write(Path directory) throws IOException {
    Map<String, String> values = new TreeMap<>();
    values.put("id", origin.id().toString());
    values.put("owner", origin.owner());
    values.put("label", origin.label());
    values.put("phase", phase.name());
    values.put("created", origin.created().toString());
    values.put("taken", taken == null ? "" : taken.toString());
    values.put("boot_id", bootId);
    values.put("clean", Boolean.toString(clean));
    if (consistency != null) {
      values.put("consistency", consistency.name());
    }
    values.put("reasons", Integer.toString(reasons.size()));
    for (int i = 0; i < reasons.size(); i++) {
      values.put("reason." + i, reasons.get(i));
    }
    values.put("members", Integer.toString(members.size()));
    for (int i = 0; i < members.size(); i++) {
      writeMember(values, "member." + i + ".", members.get(i));
    }
    RecordFile.write(directory.resolve(FILE), KIND, values);
  }

  private static void writeMember(Map<String, String> values, String prefix, Member member) {
    values.put(prefix + "device", member.device());
    values.put(prefix + "image", member.image());
    values.put(prefix + "error", member.error().name());
    values.put(prefix + "detail", member.detail());
    if (member.generation() != null) {
      values.put(prefix + "generation", member.generation().toString());
    }
    if (member.changes() != null) {
      CbtInfo c = member.changes();
      values.put(prefix + "changes_generation", c.generationId().toString());
      values.put(prefix + "changes_number", Integer.toString(c.changesNumber()));
      values.put(prefix + "changes_block_size", Integer.toString(c.blockSize()));
      values.put(prefix + "changes_block_count", Integer.toString(c.blockCount()));
      values.put(prefix + "changes_reason", c.reason().name());
      values.put(prefix + "changes_reason_detail", c.reasonDetail());
      values.put(prefix + "changes_since", c.since().toString());
    }
    if (member.geometry() != null) {
      Geometry g = member.geometry();
      values.put(prefix + "capacity", Long.toString(g.capacity()));
      values.put(prefix + "logical_block_size", Integer.toString(g.logicalBlockSize()));
      values.put(prefix + "physical_block_size", Integer.toString(g.physicalBlockSize()));
      values.put(prefix + "minimum_io", Integer.toString(g.minimumIo()));
      values.put(prefix + "rotational", Boolean.toString(g.rotational()));
      BlockSizeRule rule = member.rule();
      values.put(prefix + "chunk_minimum_shift", Integer.toString(rule.minimumShift()));
      values.put(prefix + "chunk_maximum_count", Long.toString(rule.maximumCount()));
      values.put(prefix + "chunk_maximum_shift", Integer.toString(rule.maximumShift()));
    }
  }

  /**
   * A creation killed before its record was in place: no device and no storage was added yet. A
   * directory that has lost its record but holds areas is something else.
   */
  public static boolean neverWritten(Path directory) throws IOException {
    if (Files.exists(directory.resolve(FILE))) {
      return false;
    }
    try (Stream<Path> entries = Files.list(directory)) {
      return entries.noneMatch(Files::isDirectory);
    }
  }

  public static SnapshotRecord read(Path directory) throws IOException {
    Map<String, String> values = RecordFile.read(directory.resolve(FILE), KIND);
    List<Member> members = new ArrayList<>();
    for (int i = 0; i < Integer.parseInt(values.get("members")); i++) {
      members.add(readMember(values, "member." + i + "."));
    }
    List<String> reasons = new ArrayList<>();
    for (int i = 0; i < Integer.parseInt(values.getOrDefault("reasons", "0")); i++) {
      reasons.add(values.get("reason." + i));
    }
    String consistency = values.get("consistency");
    String taken = values.get("taken");
    return new SnapshotRecord(
        new Origin(
            UUID.fromString(values.get("id")),
            Instant.parse(values.get("created")),
            values.getOrDefault("owner", ""),
            values.getOrDefault("label", "")),
        Phase.valueOf(values.get("phase")),
        taken.isEmpty() ? null : Instant.parse(taken),
        values.get("boot_id"),
        Boolean.parseBoolean(values.get("clean")),
        consistency == null ? null : Consistency.valueOf(consistency),
        reasons,
        members);
  }

  private static Member readMember(Map<String, String> values, String prefix) {
    Geometry geometry = null;
    BlockSizeRule rule = null;
    if (values.containsKey(prefix + "capacity")) {
      geometry =
          new Geometry(
              Long.parseLong(values.get(prefix + "capacity")),
              Integer.parseInt(values.get(prefix + "logical_block_size")),
              Integer.parseInt(values.get(prefix + "physical_block_size")),
              Integer.parseInt(values.get(prefix + "minimum_io")),
              Boolean.parseBoolean(values.get(prefix + "rotational")),
              false);
      rule =
          new BlockSizeRule(
              Integer.parseInt(values.get(prefix + "chunk_minimum_shift")),
              Long.parseLong(values.get(prefix + "chunk_maximum_count")),
              Integer.parseInt(values.get(prefix + "chunk_maximum_shift")));
    }
    String generation = values.get(prefix + "generation");
    return new Member(
        values.get(prefix + "device"),
        values.get(prefix + "image"),
        geometry,
        rule,
        generation == null ? null : UUID.fromString(generation),
        Errno.valueOf(values.get(prefix + "error")),
        values.get(prefix + "detail"),
        geometry == null ? null : readChanges(values, prefix, geometry.capacity()));
  }

  private static CbtInfo readChanges(Map<String, String> values, String prefix, long capacity) {
    String generation = values.get(prefix + "changes_generation");
    if (generation == null) {
      return null;
    }
    return new CbtInfo(
        capacity,
        Integer.parseInt(values.get(prefix + "changes_block_size")),
        Integer.parseInt(values.get(prefix + "changes_block_count")),
        UUID.fromString(generation),
        Integer.parseInt(values.get(prefix + "changes_number")),
        GenerationReason.valueOf(values.get(prefix + "changes_reason")),
        values.get(prefix + "changes_reason_detail"),
        Instant.parse(values.get(prefix + "changes_since")));
  }
}
