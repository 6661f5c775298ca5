// SPDX-License-Identifier: Apache-2.0
/** Devices, images and sources of others served over a network block protocol. */
@Export
@Version("2.1.0")
package org.blksnap.api.export;

import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
