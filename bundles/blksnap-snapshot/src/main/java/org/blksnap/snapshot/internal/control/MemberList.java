// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal.control;

import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.blksnap.api.block.Errno;
import org.blksnap.snapshot.internal.data.HeldArea;
import org.blksnap.snapshot.internal.data.ImageView;
import org.blksnap.snapshot.internal.record.SnapshotRecord;

/**
 * The devices of one snapshot and what its record says of each, in the order they were added.
 * Changed under the engine's control lock alone, read at any time as one picture.
 */
final class MemberList {
  private final Runnable assertControlled;

  /** Replaced as a whole under the control lock. */
  private volatile Map<String, SnapshotRecord.Member> members = Map.of();

  MemberList(Runnable assertControlled) {
    this.assertControlled = assertControlled;
  }

  /** By device name; does not change any more. */
  Map<String, SnapshotRecord.Member> all() {
    return members;
  }

  void restore(List<SnapshotRecord.Member> restored) {
    assertControlled.run();
    Map<String, SnapshotRecord.Member> map = new LinkedHashMap<>();
    restored.forEach(member -> map.put(member.device(), member));
    members = Collections.unmodifiableMap(map);
  }

  void replace(SnapshotRecord.Member member) {
    assertControlled.run();
    Map<String, SnapshotRecord.Member> map = new LinkedHashMap<>(members);
    map.put(member.device(), member);
    members = Collections.unmodifiableMap(map);
  }

  /** Undoes what came after {@link #all} gave this picture. */
  void putBack(Map<String, SnapshotRecord.Member> picture) {
    assertControlled.run();
    members = picture;
  }

  /** Errors of the images that nobody has come to write down. */
  void noteErrors(Collection<ImageView> views) {
    for (ImageView view : views) {
      SnapshotRecord.Member old = members.get(view.device());
      HeldArea held = view.held();
      if (old != null && old.error() == Errno.OK && held.error() != Errno.OK) {
        replace(old.broken(held.error(), held.detail()));
      }
    }
  }
}
