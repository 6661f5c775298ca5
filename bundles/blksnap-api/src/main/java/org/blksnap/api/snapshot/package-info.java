// SPDX-License-Identifier: Apache-2.0
/** The service itself: attached devices, snapshots, their images, the nine parameters. */
@Export
@Version("3.1.0")
package org.blksnap.api.snapshot;

import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
