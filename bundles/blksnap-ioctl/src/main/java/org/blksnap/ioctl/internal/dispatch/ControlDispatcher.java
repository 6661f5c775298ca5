// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.dispatch;

import java.io.IOException;
import java.time.Duration;
import java.util.function.Supplier;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.snapshot.SnapshotService;
import org.blksnap.ioctl.internal.layout.Seed;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The interface's calls over an engine: what {@code ioctl(2)} on the control device and on a block
 * device answers (reference, sections 1 and 2). A call is told by its number alone; the size and
 * direction bits of the word are not looked at. Bytes in, bytes out: it knows neither how the call
 * came nor whose memory it is.
 *
 * <p>Whatever the caller gives, the answer is an errno and never an exception, and what is refused
 * has changed nothing. What the kernel module would answer otherwise is listed in docs/FORMATS.md.
 *
 * <p>Keeps nothing between two calls but the count of memory lent to arrays. Any thread.
 */
public final class ControlDispatcher {
  private static final Logger LOG = LoggerFactory.getLogger(ControlDispatcher.class);

  private final Engines engines;
  private final EventWait waits;
  private final StorageCall storage;
  private final FilterCalls filter;

  /**
   * @param engine the engine as it is now; null while there is none
   * @param patience how long a call waits for one; then it is ESHUTDOWN
   */
  public ControlDispatcher(Supplier<SnapshotService> engine, Duration patience) {
    this(engine, patience, new ArrayMemory());
  }

  ControlDispatcher(Supplier<SnapshotService> engine, Duration patience, ArrayMemory memory) {
    engines = new Engines(engine, patience);
    waits = new EventWait(engines);
    storage = new StorageCall(memory);
    filter = new FilterCalls(memory);
  }

  /**
   * Carries out a call.
   *
   * @param target what it was made on
   * @param word the request word
   * @param argument the address the caller gave
   * @return 0, or a positive errno: then nothing has changed
   * @throws CallerGone nobody is left to answer to; what was not told to anybody has not happened
   */
  public int call(Target target, int word, long argument, Caller caller) throws CallerGone {
    try {
      return carriedOut(target, word, argument, caller);
    } catch (CallerGone e) {
      throw e;
    } catch (IOException e) {
      Errno errno = BlksnapException.errnoOf(e);
      LOG.debug("call {} on {}: {}", Integer.toHexString(word), target, e.toString());
      return errno == Errno.OK ? Errno.EIO.code() : errno.code();
    } catch (RuntimeException | OutOfMemoryError e) {
      LOG.warn("call {} on {} failed", Integer.toHexString(word), target, e);
      return BlksnapException.errnoOf(e).code();
    }
  }

  private int carriedOut(Target target, int word, long argument, Caller caller) throws IOException {
    if (target.kind() != Target.Kind.CONTROL) {
      return FilterCalls.knows(word)
          ? engines.use(engine -> filter.call(engine, target, word, argument, caller), () -> {})
          : Errno.ENOTTY.code();
    }
    int number = word & 0xff;
    if (number > Seed.NR_WAIT_EVENT) {
      return Errno.ENOTTY.code();
    }
    return number == Seed.NR_WAIT_EVENT
        ? waits.call(argument, caller)
        : engines.use(engine -> control(engine, number, argument, caller), () -> {});
  }

  private int control(SnapshotService engine, int number, long argument, Caller caller)
      throws IOException {
    return switch (number) {
      case Seed.NR_VERSION -> ControlCalls.version(engine, argument, caller);
      case Seed.NR_CREATE -> ControlCalls.create(engine, argument, caller);
      case Seed.NR_DESTROY -> ControlCalls.destroy(engine, argument, caller);
      case Seed.NR_APPEND_STORAGE -> storage.call(engine, argument, caller);
      case Seed.NR_TAKE -> ControlCalls.take(engine, argument, caller);
      default -> ControlCalls.collect(engine, argument, caller);
    };
  }
}
