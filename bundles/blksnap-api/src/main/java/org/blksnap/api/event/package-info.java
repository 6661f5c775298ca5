// SPDX-License-Identifier: Apache-2.0
/** What a snapshot and a tracker have to say while they live. */
@Export
@Version("3.0.0")
package org.blksnap.api.event;

import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
