// SPDX-License-Identifier: Apache-2.0
package org.blksnap.enginebase;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ThreadFactory;
import java.util.function.Supplier;
import org.blksnap.api.health.Finding;
import org.blksnap.api.snapshot.SnapshotParticipant;

/**
 * Asks the participants before a take and tells them after it: all at once, each in a thread of its
 * own ({@link Conversation}), each until its deadline. One that throws or is late becomes a
 * sentence in the report; it never stops the take.
 *
 * <p>One whose call has not returned when the take is over is set aside: no take asks it, and it
 * costs no further thread, until the call has returned or the service is registered anew. The
 * doctor names it meanwhile.
 */
public final class Participants {
  private final Supplier<List<SnapshotParticipant>> registered;
  private final ThreadFactory threads;

  /** By identity: a participant's own {@code equals} is foreign code. */
  @GuardedBy("this")
  private final Map<SnapshotParticipant, Conversation> setAside = new IdentityHashMap<>();

  public Participants(Supplier<List<SnapshotParticipant>> registered, ThreadFactory threads) {
    this.registered = registered;
    this.threads = threads;
  }

  /**
   * Those asked for one take.
   *
   * @param heldStill names of those that answered in time and without an error
   */
  public record Round(Map<SnapshotParticipant, Conversation> asked, List<String> heldStill) {}

  /** Asks all; {@code problems} gets a sentence for each that failed, was late or is set aside. */
  public Round before(UUID snapshot, List<String> devices, List<String> problems) {
    Map<SnapshotParticipant, Conversation> asked = new IdentityHashMap<>();
    for (SnapshotParticipant participant : present(registered.get(), problems)) {
      Conversation conversation = new Conversation(participant, snapshot, devices, threads);
      try {
        conversation.start();
        asked.put(participant, conversation);
      } catch (Throwable t) {
        problems.add("participant " + conversation.name() + " could not be asked: " + t);
      }
    }
    List<String> heldStill = new ArrayList<>();
    for (Conversation conversation : asked.values()) {
      String problem = conversation.awaitHeld();
      if (problem == null) {
        heldStill.add(conversation.name());
      } else {
        problems.add("participant " + conversation.name() + " " + problem + " before the take");
      }
    }
    Collections.sort(heldStill);
    return new Round(asked, heldStill);
  }

  /** Those of the list that are not set aside; what is no longer registered is forgotten. */
  private synchronized List<SnapshotParticipant> present(
      List<SnapshotParticipant> all, List<String> problems) {
    forgetAllBut(all);
    List<SnapshotParticipant> present = new ArrayList<>();
    for (SnapshotParticipant participant : all) {
      Conversation unfinished = setAside.get(participant);
      if (unfinished == null) {
        present.add(participant);
      } else {
        problems.add(
            "participant "
                + unfinished.name()
                + " is set aside: "
                + unfinished.whereabouts()
                + "; restart its bundle");
      }
    }
    return present;
  }

  @GuardedBy("this")
  private void forgetAllBut(Collection<SnapshotParticipant> all) {
    Set<SnapshotParticipant> known = Collections.newSetFromMap(new IdentityHashMap<>());
    known.addAll(all);
    setAside.keySet().removeIf(participant -> !known.contains(participant));
    setAside.values().removeIf(Conversation::hasEnded);
  }

  /** Tells those asked how the take ended, and waits for them until their deadlines. */
  public void after(Round round, boolean taken, List<String> problems) {
    round.asked().values().forEach(conversation -> conversation.tell(taken));
    for (Map.Entry<SnapshotParticipant, Conversation> entry : round.asked().entrySet()) {
      Conversation conversation = entry.getValue();
      String problem = conversation.awaitEnd();
      if (problem != null) {
        problems.add("participant " + conversation.name() + " " + problem + " after the take");
      }
      if (!conversation.hasEnded()) {
        synchronized (this) {
          setAside.putIfAbsent(entry.getKey(), conversation);
        }
      }
    }
  }

  /** A line for each that is set aside. */
  public synchronized List<Finding> findings() {
    forgetAllBut(registered.get());
    List<Finding> findings = new ArrayList<>();
    for (Conversation unfinished : setAside.values()) {
      findings.add(
          new Finding(
              Finding.Severity.WARNING,
              "participant " + unfinished.name(),
              "takes go on without it: " + unfinished.whereabouts(),
              "restart the bundle that registers it: see bundle:list, then bundle:restart"));
    }
    return findings;
  }
}
