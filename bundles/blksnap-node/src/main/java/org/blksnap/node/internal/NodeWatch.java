// SPDX-License-Identifier: Apache-2.0
package org.blksnap.node.internal;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.time.Duration;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.spi.node.DeadLinks;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The thread that looks after nodes: it hears of connections that died, has the nodes given new
 * ones, and connects what is wished for, again and again until that is done.
 *
 * <p>Where it begins to listen (also after a node was connected: the module may have been loaded
 * anew) each node is looked after, since what died before was not heard.
 */
final class NodeWatch implements Runnable, AutoCloseable {
  /** Longest time between two looks. */
  static final Duration TICK = Duration.ofSeconds(1);

  private static final long JOIN_MILLIS = 2_000;
  private static final Logger LOG = LoggerFactory.getLogger(NodeWatch.class);

  private final Ground ground;
  private final NodeKeeper keeper;
  private final NodeWishes wishes;
  private final ThreadCare care;
  private final Thread thread = new Thread(this, "blksnap-nodes");
  private volatile boolean stopping;
  private String last = "";

  @GuardedBy("this")
  private boolean anew = true;

  NodeWatch(Ground ground, NodeKeeper keeper, NodeWishes wishes, ThreadCare care) {
    this.ground = ground;
    this.keeper = keeper;
    this.wishes = wishes;
    this.care = care;
    thread.setDaemon(true);
  }

  void start() {
    thread.start();
  }

  /** A node was connected, or a service came. */
  synchronized void wake() {
    anew = true;
    notifyAll();
  }

  private synchronized boolean takeAnew() {
    boolean before = anew;
    anew = false;
    return before;
  }

  private synchronized void pause() {
    if (!anew && !stopping) {
      try {
        wait(TICK.toMillis());
      } catch (InterruptedException end) {
        Thread.currentThread().interrupt();
      }
    }
  }

  @Override
  public void run() {
    DeadLinks news = null;
    while (!stopping && !Thread.currentThread().isInterrupted()) {
      try {
        if (!ground.complete()) {
          pause();
          continue;
        }
        if (takeAnew() || news == null) {
          if (news != null) {
            news.close();
          }
          news = ground.requireHost().deadLinks();
          keeper.mayHaveDied();
        } else {
          hear(news);
        }
        keeper.repair();
        wishes.fulfil();
        if (keeper.any()) {
          ground.host().ifPresent(care::lock);
        }
        said("");
      } catch (BlksnapException | RuntimeException | Error trouble) {
        news = ended(news);
        wishes.refused(trouble);
        said(trouble.toString());
        pause();
      }
    }
    ended(news);
  }

  private void hear(DeadLinks news) throws BlksnapException {
    try {
      news.await(TICK).forEach(keeper::died);
    } catch (BlksnapException lost) {
      if (lost.errno() != Errno.ENODATA) {
        throw lost;
      }
      keeper.mayHaveDied();
    }
  }

  private static DeadLinks ended(DeadLinks news) {
    if (news != null) {
      news.close();
    }
    return null;
  }

  private void said(String trouble) {
    if (!trouble.equals(last)) {
      LOG.debug("nodes: {}", trouble.isEmpty() ? "looked after" : trouble);
      last = trouble;
    }
  }

  /** Idempotent; nodes stay connected. */
  @Override
  public void close() {
    stopping = true;
    wake();
    try {
      thread.join(JOIN_MILLIS);
    } catch (InterruptedException broken) {
      Thread.currentThread().interrupt();
    }
  }
}
