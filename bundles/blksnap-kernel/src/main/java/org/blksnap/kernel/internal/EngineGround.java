// SPDX-License-Identifier: Apache-2.0
package org.blksnap.kernel.internal;

import java.nio.file.Path;
import java.util.List;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.blksnap.api.snapshot.SnapshotParticipant;
import org.blksnap.kernel.internal.host.Disks;
import org.blksnap.kernel.internal.host.PresentModule;
import org.blksnap.spi.device.DeviceProvider;
import org.blksnap.spi.host.HostOperations;

/**
 * What an engine stands on.
 *
 * @param stateDirectory of all engines
 * @param module the kernel's
 * @param disks the host's
 * @param providers answers null while the bundle is away
 * @param host answers null while the bundle is away
 * @param participants who is asked before a take
 * @param runs whether the bundle of this symbolic name is running
 */
public record EngineGround(
    Path stateDirectory,
    PresentModule module,
    Disks disks,
    Supplier<DeviceProvider> providers,
    Supplier<HostOperations> host,
    Supplier<List<SnapshotParticipant>> participants,
    Predicate<String> runs) {}
