// SPDX-License-Identifier: Apache-2.0
/** Files and block devices by what they are, whatever name leads to them. */
package org.blksnap.linux.file;
