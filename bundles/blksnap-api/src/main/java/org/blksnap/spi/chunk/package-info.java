// SPDX-License-Identifier: Apache-2.0
/** For providers of copy-on-write. */
@Export
@Version("1.2.0")
package org.blksnap.spi.chunk;

import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
