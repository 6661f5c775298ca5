// SPDX-License-Identifier: Apache-2.0
package org.blksnap.tracker.internal;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.util.HexFormat;
import java.util.UUID;
import java.util.zip.CRC32C;
import org.blksnap.api.change.CbtInfo;
import org.blksnap.api.change.GenerationReason;

/**
 * The values of one header slot; {@link MapLayout} draws them. Immutable.
 *
 * @param announced the active number of a take that was made ready in durable mode; no map goes on
 *     after a power loss today, so nobody reads it
 */
record MapHeader(
    long sequence,
    long capacity,
    int shift,
    int count,
    int active,
    int previous,
    int announced,
    int flags,
    UUID generation,
    Instant since,
    GenerationReason reason,
    String detail,
    String bootId,
    String identity,
    String fingerprint) {

  /** Why a slot is no header; the message is for people. */
  static final class Unreadable extends Exception {
    private static final long serialVersionUID = 1L;

    Unreadable(String message) {
      super(message);
    }
  }

  boolean has(int flag) {
    return (flags & flag) != 0;
  }

  MapHeader with(int flag) {
    return state(active, announced, flags | flag, fingerprint);
  }

  MapHeader without(int flag) {
    return state(active, announced, flags & ~flag, fingerprint);
  }

  /** As after a take. */
  MapHeader taken() {
    return state(active + 1, active + 1, flags, fingerprint);
  }

  /** A take may follow. */
  MapHeader announcing() {
    return state(active, active + 1, flags, fingerprint);
  }

  /** As after a clean close. */
  MapHeader closed(String presentFingerprint) {
    return state(active, active, flags | MapLayout.CLEAN, keyOf(presentFingerprint));
  }

  /** In use by this boot of the host, with the given active number. */
  MapHeader opened(int presentActive, boolean durable, String presentBootId) {
    MapHeader s = state(presentActive, presentActive, durable ? MapLayout.DURABLE : 0, "");
    return new MapHeader(
        s.sequence,
        capacity,
        shift,
        count,
        s.active,
        s.previous,
        s.announced,
        s.flags,
        generation,
        since,
        reason,
        detail,
        presentBootId,
        identity,
        s.fingerprint);
  }

  private MapHeader state(int newActive, int newAnnounced, int newFlags, String newFingerprint) {
    return new MapHeader(
        sequence + 1,
        capacity,
        shift,
        count,
        newActive,
        newActive - 1,
        newAnnounced,
        newFlags,
        generation,
        since,
        reason,
        detail,
        bootId,
        identity,
        newFingerprint);
  }

  CbtInfo info() {
    return new CbtInfo(capacity, 1 << shift, count, generation, previous, reason, detail, since);
  }

  /** What is stored of a text that is compared: itself, or its digest where it is too long. */
  static String keyOf(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    if (bytes.length <= MapLayout.FINGERPRINT_AT - MapLayout.IDENTITY_AT - Short.BYTES) {
      return text;
    }
    try {
      return "sha256:"
          + HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }

  byte[] encode() {
    ByteBuffer slot = ByteBuffer.allocate(MapLayout.SLOT_LENGTH).order(ByteOrder.LITTLE_ENDIAN);
    slot.putLong(MapLayout.MAGIC_AT, MapLayout.MAGIC);
    slot.putInt(MapLayout.VERSION_AT, MapLayout.VERSION);
    slot.putInt(MapLayout.LENGTH_AT, MapLayout.SLOT_LENGTH);
    slot.putLong(MapLayout.SEQUENCE_AT, sequence);
    slot.putLong(MapLayout.CAPACITY_AT, capacity);
    slot.putLong(MapLayout.GENERATION_AT, Long.reverseBytes(generation.getMostSignificantBits()));
    slot.putLong(
        MapLayout.GENERATION_AT + Long.BYTES,
        Long.reverseBytes(generation.getLeastSignificantBits()));
    slot.putLong(MapLayout.SINCE_AT, since.toEpochMilli());
    slot.putInt(MapLayout.COUNT_AT, count);
    slot.put(MapLayout.SHIFT_AT, (byte) shift);
    slot.put(MapLayout.ACTIVE_AT, (byte) active);
    slot.put(MapLayout.PREVIOUS_AT, (byte) previous);
    slot.put(MapLayout.ANNOUNCED_AT, (byte) announced);
    slot.put(MapLayout.FLAGS_AT, (byte) flags);
    putText(slot, MapLayout.BOOT_AT, MapLayout.REASON_AT, bootId);
    putText(slot, MapLayout.REASON_AT, MapLayout.IDENTITY_AT, reason.name());
    putText(slot, MapLayout.IDENTITY_AT, MapLayout.FINGERPRINT_AT, identity);
    putText(slot, MapLayout.FINGERPRINT_AT, MapLayout.DETAIL_AT, fingerprint);
    putText(slot, MapLayout.DETAIL_AT, MapLayout.DETAIL_END, detail);
    slot.putInt(MapLayout.CRC_AT, checksum(slot));
    return slot.array();
  }

  /** Reads a slot; every value is checked. */
  static MapHeader decode(byte[] bytes) throws Unreadable {
    ByteBuffer slot = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    if (slot.getLong(MapLayout.MAGIC_AT) != MapLayout.MAGIC) {
      throw new Unreadable("no change map: the magic is missing");
    }
    int version = slot.getInt(MapLayout.VERSION_AT);
    if (version != MapLayout.VERSION) {
      throw new Unreadable(
          "format version " + version + ", this software reads " + MapLayout.VERSION);
    }
    if (slot.getInt(MapLayout.CRC_AT) != checksum(slot)) {
      throw new Unreadable("the header's checksum is wrong");
    }
    int active = Byte.toUnsignedInt(slot.get(MapLayout.ACTIVE_AT));
    int previous = Byte.toUnsignedInt(slot.get(MapLayout.PREVIOUS_AT));
    int announced = Byte.toUnsignedInt(slot.get(MapLayout.ANNOUNCED_AT));
    int shift = slot.get(MapLayout.SHIFT_AT);
    if (previous != active - 1 || announced < active || shift < 0 || shift > 30) {
      throw new Unreadable(
          "impossible numbers: active " + active + ", previous " + previous + ", shift " + shift);
    }
    return new MapHeader(
        slot.getLong(MapLayout.SEQUENCE_AT),
        slot.getLong(MapLayout.CAPACITY_AT),
        shift,
        slot.getInt(MapLayout.COUNT_AT),
        active,
        previous,
        announced,
        slot.get(MapLayout.FLAGS_AT),
        new UUID(
            Long.reverseBytes(slot.getLong(MapLayout.GENERATION_AT)),
            Long.reverseBytes(slot.getLong(MapLayout.GENERATION_AT + Long.BYTES))),
        Instant.ofEpochMilli(slot.getLong(MapLayout.SINCE_AT)),
        reason(text(slot, MapLayout.REASON_AT, MapLayout.IDENTITY_AT)),
        text(slot, MapLayout.DETAIL_AT, MapLayout.DETAIL_END),
        text(slot, MapLayout.BOOT_AT, MapLayout.REASON_AT),
        text(slot, MapLayout.IDENTITY_AT, MapLayout.FINGERPRINT_AT),
        text(slot, MapLayout.FINGERPRINT_AT, MapLayout.DETAIL_AT));
  }

  private static GenerationReason reason(String name) throws Unreadable {
    try {
      return GenerationReason.valueOf(name);
    } catch (IllegalArgumentException e) {
      throw new Unreadable("unknown reason " + name);
    }
  }

  private static int checksum(ByteBuffer slot) {
    CRC32C crc = new CRC32C();
    crc.update(slot.array(), 0, MapLayout.CRC_AT);
    return (int) crc.getValue();
  }

  private static void putText(ByteBuffer slot, int from, int to, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    int length = Math.min(bytes.length, to - from - Short.BYTES);
    while (length < bytes.length && length > 0 && (bytes[length] & 0xc0) == 0x80) {
      length--; // not in the middle of a character
    }
    slot.putShort(from, (short) length);
    slot.put(from + Short.BYTES, bytes, 0, length);
  }

  private static String text(ByteBuffer slot, int from, int to) throws Unreadable {
    int length = Short.toUnsignedInt(slot.getShort(from));
    if (length > to - from - Short.BYTES) {
      throw new Unreadable("a text of " + length + " bytes at " + from + " does not fit");
    }
    return new String(slot.array(), from + Short.BYTES, length, StandardCharsets.UTF_8);
  }
}
