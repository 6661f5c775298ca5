// SPDX-License-Identifier: Apache-2.0
/** Words everything else is made of: ranges, geometry, positional block access, errno. */
@Export
@Version("2.0.0")
package org.blksnap.api.block;

import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
