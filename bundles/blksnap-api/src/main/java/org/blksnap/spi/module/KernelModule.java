// SPDX-License-Identifier: Apache-2.0
package org.blksnap.spi.module;

import java.io.Closeable;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.snapshot.Version;
import org.osgi.annotation.versioning.ProviderType;

/**
 * The calls of a loaded module as methods (reference, sections 1 and 2). All state is in the
 * kernel: closing this gives descriptors back and ends nothing there. Every method throws the
 * module's own errno, with call and argument in the message; EOPNOTSUPP where the dialect has no
 * such call; EBADF once closed. Devices are named by the path of their node. Any thread; calls of
 * one snapshot or device may wait for each other in the kernel.
 */
@ProviderType
public interface KernelModule extends Closeable {
  /** What it speaks. */
  Dialect dialect();

  /** What it can do. */
  Set<ModuleFeature> features();

  /** Its own version, as it says; nothing is decided by it. */
  Version version() throws BlksnapException;

  /** A word of the vendor's own beside the version; empty for none. */
  String modification();

  /** {@code snapshot_create}. */
  UUID create(SnapshotSeed seed) throws BlksnapException;

  /** {@code snapshot_destroy}. ENODEV: no such snapshot. */
  void destroy(UUID snapshot) throws BlksnapException;

  /**
   * {@code snapshot_append_storage}; ranges in bytes, multiples of 512. More than 65,536 go in
   * several calls: where one of them fails, what earlier ones took stays, and the message says how
   * much that is. Never EBADF after the first of them.
   */
  void appendStorage(UUID snapshot, Path device, List<ByteRange> ranges) throws BlksnapException;

  /** {@code snapshot_take}. */
  void take(UUID snapshot) throws BlksnapException;

  /** {@code snapshot_collect}: ids of all snapshots, whoever made them. */
  List<UUID> collect() throws BlksnapException;

  /**
   * A place to wait for the events of one snapshot ({@code snapshot_wait_event}). ESRCH of the
   * waits where there is no such snapshot.
   */
  EventWait events(UUID snapshot);

  /** {@code BLKFILTER_ATTACH}. EALREADY: attached already. */
  void attach(Path device) throws BlksnapException;

  /** {@code BLKFILTER_DETACH}. */
  void detach(Path device) throws BlksnapException;

  /** Command {@code snapshotadd}. EOPNOTSUPP where devices are named at the creation alone. */
  void addDevice(UUID snapshot, Path device) throws BlksnapException;

  /** Command {@code snapshotinfo}: the device's part of the snapshot that holds it. */
  MemberState member(Path device) throws BlksnapException;

  /** Command {@code cbtinfo}. */
  TrackerState tracker(Path device) throws BlksnapException;

  /**
   * Command {@code cbtmap}: bytes of the readable map from {@code index} on, until the map's end or
   * the buffer is full; answers how many. At the end 0, past it EINVAL. A direct buffer is written
   * by the kernel itself, without a copy.
   */
  int readMap(Path device, long index, ByteBuffer dst) throws BlksnapException;

  /** Command {@code cbtdirty}; ranges in bytes, multiples of 512. */
  void markDirty(Path device, List<ByteRange> ranges) throws BlksnapException;

  /**
   * The module's integer parameters by the names that it gives them, in their order; what it has
   * and this project does not know is there as well.
   */
  Map<String, Long> parameters() throws BlksnapException;

  /** Sets one. ENOENT: the module has none of this name. EINVAL: out of its bounds. EACCES. */
  void setParameter(String name, long value) throws BlksnapException;

  /** The node of an image, made of the name that {@link #member} told. */
  Path imageNode(String image);

  @Override
  void close();
}
