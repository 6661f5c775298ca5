// SPDX-License-Identifier: Apache-2.0
package org.blksnap.diffstorage.internal;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.handover.HandoverShelf;
import org.blksnap.linux.proc.BootId;
import org.blksnap.linux.proc.ProcessStamp;
import org.blksnap.spi.host.HostOperations;
import org.blksnap.spi.storage.DiffStorage;
import org.blksnap.spi.storage.StorageProvider;
import org.blksnap.spi.storage.StorageRequest;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;
import org.osgi.service.component.annotations.ReferencePolicyOption;

/**
 * Makes pools. Host operations and shelf may come and go; each is read once where it is needed. The
 * shelf last seen is kept: pools are closed only after this component's references are gone, and
 * their memory still has to find its way.
 */
@Component(service = StorageProvider.class)
public final class DiffStorageProvider implements StorageProvider {
  /** Not of any clock, which may be set back to where another process was started. */
  private static final long THIS_PROCESS =
      UUID.nameUUIDFromBytes(
              (BootId.current() + " " + ProcessStamp.own()).getBytes(StandardCharsets.US_ASCII))
          .getMostSignificantBits();

  private final AtomicReference<HostOperations> host = new AtomicReference<>();
  private final AtomicReference<HandoverShelf> shelf = new AtomicReference<>();
  private final RangeClaims claims = new RangeClaims();
  private final BackingFiles backing;

  @Activate
  public DiffStorageProvider() {
    this(BlockUse.onThisHost());
  }

  DiffStorageProvider(BlockUse uses) {
    backing = new BackingFiles(host::get, uses);
  }

  @Reference(
      cardinality = ReferenceCardinality.OPTIONAL,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  void bindHost(HostOperations present) {
    host.set(present);
  }

  void unbindHost(HostOperations gone) {
    host.compareAndSet(gone, null);
  }

  @Reference(
      cardinality = ReferenceCardinality.OPTIONAL,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  public void bindShelf(HandoverShelf present) {
    shelf.set(present);
  }

  /** Keeps it: see above. */
  public void unbindShelf(HandoverShelf gone) {}

  @Override
  public DiffStorage create(StorageRequest request) throws BlksnapException {
    StateFile state =
        StateFile.create(request.file(), request.snapshot(), request.minimumSectors().getAsLong());
    state.receiver(receiverMark(request));
    Pool pool = new Pool(request, state, contents(request, state), this::shelf);
    pool.greet();
    return pool;
  }

  @Override
  public DiffStorage adopt(StorageRequest request) throws BlksnapException {
    StateFile state = StateFile.open(request.file(), request.snapshot());
    PoolContents contents = contents(request, state);
    try {
      contents.restore(state.read(), leftMemory(request));
    } catch (BlksnapException e) {
      contents.close();
      state.close();
      throw e;
    }
    Pool pool = new Pool(request, state, contents, this::shelf);
    long receiver = receiverMark(request);
    if (state.receiver(receiver) != receiver) {
      pool.remind();
    }
    return pool;
  }

  private PoolContents contents(StorageRequest request, StateFile state) {
    Supplier<HostOperations> present = host::get;
    return new PoolContents(request.snapshot(), state, backing, claims, present);
  }

  private Optional<HandoverShelf> shelf() {
    return Optional.ofNullable(shelf.get());
  }

  private List<ByteBuffer> leftMemory(StorageRequest request) {
    List<ByteBuffer> memory = new ArrayList<>();
    Object left = shelf().flatMap(present -> present.fetch(Pool.Shelf.key(request))).orElse(null);
    if (left instanceof List<?> pieces) {
      for (Object piece : pieces) {
        if (piece instanceof ByteBuffer bytes) {
          memory.add(bytes);
        }
      }
    }
    return memory;
  }

  /**
   * Tells the receiver of what a pool asks for from those before it: another process, also one of
   * the same number after a reboot, or another engine in this process. What waited there is gone. A
   * successor of this bundle alone finds the same receiver, and what waits with it.
   */
  private static long receiverMark(StorageRequest request) {
    return THIS_PROCESS * 31 + System.identityHashCode(request.asks());
  }
}
