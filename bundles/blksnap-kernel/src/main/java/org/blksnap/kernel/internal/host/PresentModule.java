// SPDX-License-Identifier: Apache-2.0
package org.blksnap.kernel.internal.host;

import static java.util.Objects.requireNonNull;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.spi.module.Dialect;
import org.blksnap.spi.module.KernelModule;
import org.blksnap.spi.module.ModuleFeature;

/**
 * The loaded module as one engine has it. All state is in the kernel, so the bridge to it may be
 * swapped while the engine works: who asks meanwhile waits for the next one.
 *
 * <pre>
 * present ⇄ away (its bundle is being swapped) ──► ended (another module, or the engine stops)
 *    ⇅
 * resting: nothing is in the kernel for us, and its node is closed, so that it can be unloaded
 * </pre>
 *
 * <p>A call that meets a bridge closed under it (EBADF) was never made, and is made again at the
 * next one. One lock, held for memory alone.
 */
public final class PresentModule {
  /** Something asked of the module. */
  @FunctionalInterface
  public interface Call<T> {
    T of(KernelModule module) throws BlksnapException;
  }

  /** Finds it again after a rest. */
  @FunctionalInterface
  public interface Finder {
    /** ESHUTDOWN where it is gone, or another one by now. */
    KernelModule find() throws BlksnapException;
  }

  /** Something told to the module. */
  @FunctionalInterface
  public interface Order {
    void to(KernelModule module) throws BlksnapException;
  }

  private final String incarnation;
  private final Dialect dialect;
  private final Set<ModuleFeature> features;
  private final Duration patience;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();

  /** Null while away. */
  @GuardedBy("lock")
  private KernelModule present;

  /** Null unless it rests. */
  @GuardedBy("lock")
  private Finder resting;

  /** Why it has ended; null before. */
  @GuardedBy("lock")
  private String end;

  /** {@code patience}: how long a call waits for a bridge that is away. */
  public PresentModule(KernelModule module, String incarnation, Duration patience) {
    this.present = module;
    this.incarnation = incarnation;
    this.dialect = module.dialect();
    this.features = Set.copyOf(module.features());
    this.patience = patience;
  }

  /** Which life of the module this is. */
  public String incarnation() {
    return incarnation;
  }

  public Dialect dialect() {
    return dialect;
  }

  public boolean can(ModuleFeature feature) {
    return features.contains(feature);
  }

  /** The next bridge to the same module; it is closed here. */
  public void provide(KernelModule module) {
    KernelModule old;
    lock.lock();
    try {
      old = present;
      resting = null;
      present = end == null ? module : null;
      changed.signalAll();
      if (end != null) {
        old = module;
      }
    } finally {
      lock.unlock();
    }
    if (old != null) {
      old.close();
    }
  }

  /** Lets go of the module until it is asked again; not while it is away. */
  public void rest(Finder finder) {
    KernelModule old;
    lock.lock();
    try {
      if (present == null) {
        return;
      }
      old = present;
      present = null;
      resting = requireNonNull(finder);
    } finally {
      lock.unlock();
    }
    old.close();
  }

  /** The bridge goes; another one follows, or {@link #end}. */
  public void withdraw() {
    provide(null);
  }

  /** For good: every call answers ESHUTDOWN. {@code why} is a part of a sentence. */
  public void end(String why) {
    lock.lock();
    try {
      if (end == null) {
        end = why;
      }
    } finally {
      lock.unlock();
    }
    provide(null);
  }

  public boolean hasEnded() {
    lock.lock();
    try {
      return end != null;
    } finally {
      lock.unlock();
    }
  }

  /** True while there is no bridge. */
  public boolean isAway() {
    lock.lock();
    try {
      return present == null && resting == null;
    } finally {
      lock.unlock();
    }
  }

  /** Asks the module; ESHUTDOWN where it has ended, or no bridge came in time. */
  public <T> T ask(Call<T> call) throws BlksnapException {
    KernelModule old = null;
    while (true) {
      KernelModule now = next(old);
      try {
        return call.of(now);
      } catch (BlksnapException e) {
        if (e.errno() != Errno.EBADF) {
          throw e;
        }
        old = now;
      }
    }
  }

  public void tell(Order order) throws BlksnapException {
    ask(
        module -> {
          order.to(module);
          return null;
        });
  }

  /** The present one, if it is another than {@code old}; waited for. */
  private KernelModule next(KernelModule old) throws BlksnapException {
    long left = patience.toNanos();
    lock.lock();
    try {
      while (present == null || present == old) {
        if (end != null) {
          throw new BlksnapException(Errno.ESHUTDOWN, "the kernel engine has stopped: " + end);
        }
        if (resting != null) {
          present = resting.find();
          resting = null;
          continue;
        }
        if (left <= 0) {
          throw new BlksnapException(
              Errno.ESHUTDOWN,
              "the bundle org.blksnap.ioctl is away and did not come back within "
                  + TimeUnit.NANOSECONDS.toSeconds(patience.toNanos())
                  + " s; start it: bundle:start org.blksnap.ioctl");
        }
        left = changed.awaitNanos(left);
      }
      return present;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new BlksnapException(
          Errno.EINTR, "the wait for the bundle org.blksnap.ioctl was interrupted", e);
    } finally {
      lock.unlock();
    }
  }
}
