// SPDX-License-Identifier: Apache-2.0
/** The kernel's NBD client: block device nodes over the sockets of an NBD server. */
@Export
@Version("1.0.0")
package org.blksnap.spi.node;

import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
