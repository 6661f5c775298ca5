// SPDX-License-Identifier: Apache-2.0
/** For providers of change tracking. */
@Export
@Version("3.0.0")
package org.blksnap.spi.tracker;

import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
