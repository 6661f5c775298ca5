// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.doctor;

import java.util.Collection;
import java.util.Comparator;
import java.util.Optional;

/** The known word that somebody may have meant. */
final class Nearest {
  /** Words further apart than one edit in this many letters have nothing to do with each other. */
  private static final int LETTERS_AN_EDIT = 2;

  private Nearest() {}

  /** The nearest by insertions, deletions and replacements of single letters, if one is near. */
  static Optional<String> to(String word, Collection<String> known) {
    return known.stream()
        .filter(each -> edits(word, each) <= Math.max(word.length(), 1) / LETTERS_AN_EDIT)
        .min(
            Comparator.comparingInt((String each) -> edits(word, each))
                .thenComparing(Comparator.naturalOrder()));
  }

  private static int edits(String from, String to) {
    int[] row = new int[to.length() + 1];
    for (int j = 0; j <= to.length(); j++) {
      row[j] = j;
    }
    for (int i = 1; i <= from.length(); i++) {
      int diagonal = row[0];
      row[0] = i;
      for (int j = 1; j <= to.length(); j++) {
        int replaced = diagonal + (from.charAt(i - 1) == to.charAt(j - 1) ? 0 : 1);
        diagonal = row[j];
        row[j] = Math.min(replaced, Math.min(row[j], row[j - 1]) + 1);
      }
    }
    return row[to.length()];
  }
}
