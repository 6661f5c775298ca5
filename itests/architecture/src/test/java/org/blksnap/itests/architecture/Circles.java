// SPDX-License-Identifier: Apache-2.0
package org.blksnap.itests.architecture;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/** Finds what leads back to itself, by Tarjan's algorithm. */
final class Circles {
  private final Map<String, Set<String>> arrows;
  private final Map<String, Integer> index = new HashMap<>();
  private final Map<String, Integer> low = new HashMap<>();
  private final Deque<String> open = new ArrayDeque<>();
  private final List<Set<String>> found = new ArrayList<>();

  private Circles(Map<String, Set<String>> arrows) {
    this.arrows = arrows;
  }

  /** Each set of two and more that all reach each other. */
  static List<Set<String>> in(Map<String, Set<String>> arrows) {
    Circles circles = new Circles(arrows);
    for (String node : arrows.keySet()) {
      if (!circles.index.containsKey(node)) {
        circles.visit(node);
      }
    }
    return circles.found;
  }

  private void visit(String node) {
    index.put(node, index.size());
    low.put(node, index.get(node));
    open.push(node);
    for (String next : arrows.getOrDefault(node, Set.of())) {
      if (!index.containsKey(next)) {
        visit(next);
        low.merge(node, low.get(next), Math::min);
      } else if (open.contains(next)) {
        low.merge(node, index.get(next), Math::min);
      }
    }
    if (low.get(node).equals(index.get(node))) {
      Set<String> circle = new TreeSet<>();
      String popped;
      do {
        popped = open.pop();
        circle.add(popped);
      } while (!popped.equals(node));
      if (circle.size() > 1) {
        found.add(circle);
      }
    }
  }
}
