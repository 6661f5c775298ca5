// SPDX-License-Identifier: Apache-2.0
/** For providers of difference storage. */
@Export
@Version("2.0.0")
package org.blksnap.spi.storage;

import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
