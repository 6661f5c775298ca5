// SPDX-License-Identifier: Apache-2.0
package org.blksnap.node.internal;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.health.Finding;
import org.blksnap.api.health.Finding.Severity;
import org.blksnap.api.node.DeviceNode;

/** What is to be said about nodes. */
final class NodeFindings {
  /** Of the field "flags" in {@code /proc/…/stat}: no I/O for the sake of an allocation. */
  static final long NO_IO = 0x80000;

  private static final int FLAGS_AFTER_NAME = 6;
  private static final String SUBJECT = "device nodes";

  private NodeFindings() {}

  static Finding kernel(BlksnapException refused) {
    Severity severity = refused.errno() == Errno.ENODEV ? Severity.OK : Severity.NOTE;
    return new Finding(
        severity,
        SUBJECT,
        "none can be connected: " + refused.getMessage(),
        severity == Severity.OK
            ? ""
            : "see to it where exports are to be block devices of this host");
  }

  static Finding ready(int nodes) {
    return new Finding(Severity.OK, SUBJECT, nodes + " connected of ours", "");
  }

  static Finding of(DeviceNode node) {
    String what = node.path() + " of \"" + node.export() + "\": " + node.detail();
    if (node.state() == DeviceNode.State.LOST) {
      return new Finding(
          Severity.ERROR,
          SUBJECT,
          what,
          "unmount it and blksnap:node-disconnect --force " + node.path());
    }
    return new Finding(
        Severity.WARNING,
        SUBJECT,
        what + "; I/O on it waits",
        "see blksnap:export-list; it is reconnected as soon as its export is served");
  }

  static Finding wish(NodeWishes.Unfulfilled wish) {
    return new Finding(
        Severity.WARNING,
        SUBJECT,
        "the configured node of \"" + wish.wish() + "\" is not connected: " + wish.why(),
        "put right what it says; it is tried again each second");
  }

  static List<Finding> care(ThreadCare care, Path process) {
    List<Finding> findings = new ArrayList<>();
    care.notLocked()
        .ifPresent(
            why ->
                findings.add(
                    new Finding(
                        Severity.WARNING,
                        SUBJECT,
                        "what serves them may be paged out: " + why.getMessage(),
                        "without it, a host that runs out of memory may stand still with dirty"
                            + " pages of a node")));
    care.notMarked()
        .ifPresent(
            why ->
                findings.add(
                    new Finding(
                        Severity.WARNING,
                        SUBJECT,
                        "threads that serve them may wait for their pages: " + why.getMessage(),
                        "give the process CAP_SYS_RESOURCE, on Linux 5.6 or newer")));
    unmarked(process).ifPresent(findings::add);
    return findings;
  }

  /** Garbage collector, compiler and store workers: nobody marks a thread but itself. */
  private static java.util.Optional<Finding> unmarked(Path process) {
    int all = 0;
    int marked = 0;
    try (DirectoryStream<Path> tasks = Files.newDirectoryStream(process.resolve("task"))) {
      for (Path task : tasks) {
        all++;
        marked += marked(task) ? 1 : 0;
      }
    } catch (IOException | RuntimeException unreadable) {
      return java.util.Optional.empty();
    }
    if (all == marked) {
      return java.util.Optional.empty();
    }
    return java.util.Optional.of(
        new Finding(
            Severity.NOTE,
            SUBJECT,
            (all - marked)
                + " of "
                + all
                + " threads of this JVM, the garbage collector's among them, may wait for a node's"
                + " pages to be stored when memory is short",
            "leave the host memory to spare (vm.dirty_bytes well below what is free), and give the"
                + " JVM its heap at once: -Xms as -Xmx, -XX:+AlwaysPreTouch"));
  }

  private static boolean marked(Path task) {
    try {
      String stat = Files.readString(task.resolve("stat"));
      String[] words = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
      return (Long.parseLong(words[FLAGS_AFTER_NAME]) & NO_IO) != 0;
    } catch (IOException gone) {
      return true;
    }
  }
}
