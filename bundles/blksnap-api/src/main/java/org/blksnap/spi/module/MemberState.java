// SPDX-License-Identifier: Apache-2.0
package org.blksnap.spi.module;

import org.blksnap.api.block.Errno;

/**
 * The answer of {@code snapshotinfo}.
 *
 * @param error {@link Errno#OK}, or the first error that corrupted the image
 * @param errorNumber the same as the module's own positive number; 0 for none
 * @param image name of the image; empty before the take
 */
public record MemberState(Errno error, int errorNumber, String image) {}
