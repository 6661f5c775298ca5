// SPDX-License-Identifier: Apache-2.0
package org.blksnap.control.internal.doctor;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.blksnap.api.health.Examination;
import org.blksnap.api.health.Examined;

/**
 * Runs examinations, which are foreign code, all at the same time, each in a thread of its own and
 * until its own deadline.
 *
 * <p>One that has not returned is not asked again, so a doctor called every minute costs one thread
 * for it and no more. Callers that come while it is within its deadline share its answer; later
 * ones are told that it is late. Monitor: which are being asked. Never held in foreign code.
 */
final class Examiner {
  /** By identity, since equality is foreign code too; until the thread has returned. */
  @GuardedBy("this")
  private final Map<Examination, Inquiry> asked = new IdentityHashMap<>();

  /** One answer for each, in their order. */
  List<Examined> ask(List<? extends Examination> examinations) {
    List<Supplier<Examined>> answers = examinations.stream().map(this::inquire).toList();
    return answers.stream().map(Supplier::get).toList();
  }

  private Supplier<Examined> inquire(Examination examination) {
    Inquiry begun;
    synchronized (this) {
      Inquiry earlier = asked.get(examination);
      if (earlier != null) {
        return earlier.isLate() ? earlier::askedAgain : earlier::await;
      }
      begun = new Inquiry(examination, () -> forget(examination));
      asked.put(examination, begun);
    }
    begun.start();
    return begun::await;
  }

  private synchronized void forget(Examination examination) {
    asked.remove(examination);
  }
}
