// SPDX-License-Identifier: Apache-2.0
/** Block device nodes of the host, made of what is served. */
@Export
@Version("1.0.0")
package org.blksnap.api.node;

import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
