// SPDX-License-Identifier: Apache-2.0
/** Where a bundle leaves its neutral state for its successor during a hot swap. */
@Export
@Version("1.0.1")
package org.blksnap.api.handover;

import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
