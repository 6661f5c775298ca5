// SPDX-License-Identifier: Apache-2.0
/** An engine for unit tests. Its name differs from that of the house's own model of an engine. */
package org.blksnap.testkit.engine;
