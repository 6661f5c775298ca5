// SPDX-License-Identifier: Apache-2.0
/** What changed since when: the change map of a device as bytes and as extents. */
@Export
@Version("2.0.0")
package org.blksnap.api.change;

import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
