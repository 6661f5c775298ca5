// SPDX-License-Identifier: Apache-2.0
/** What Java alone cannot do to a device. */
@Export
@Version("1.2.0")
package org.blksnap.spi.host;

import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
