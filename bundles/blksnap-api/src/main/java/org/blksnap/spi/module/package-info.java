// SPDX-License-Identifier: Apache-2.0
/** The calls of a loaded kernel module, whatever dialect it speaks. */
@Export
@Version("1.0.0")
package org.blksnap.spi.module;

import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
