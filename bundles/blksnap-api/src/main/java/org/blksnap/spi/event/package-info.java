// SPDX-License-Identifier: Apache-2.0
/** Where an engine tells what happened. */
@Export
@Version("2.0.0")
package org.blksnap.spi.event;

import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
