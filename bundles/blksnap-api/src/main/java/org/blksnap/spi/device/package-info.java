// SPDX-License-Identifier: Apache-2.0
/** For providers of raw device access. */
@Export
@Version("1.1.0")
package org.blksnap.spi.device;

import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
