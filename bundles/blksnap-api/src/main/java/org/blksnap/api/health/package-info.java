// SPDX-License-Identifier: Apache-2.0
/** What is wrong on this host, and what to do about it. */
@Export
@Version("1.1.0")
package org.blksnap.api.health;

import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
