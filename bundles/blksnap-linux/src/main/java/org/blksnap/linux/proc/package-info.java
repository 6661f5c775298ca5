// SPDX-License-Identifier: Apache-2.0
/** What the kernel tells in {@code /proc} and {@code /sys}. Needs the JDK alone. */
package org.blksnap.linux.proc;
