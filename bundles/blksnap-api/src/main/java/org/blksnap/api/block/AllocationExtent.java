// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.block;

/**
 * One stretch of an allocation query.
 *
 * @param offset first byte
 * @param length number of bytes, more than zero
 * @param hole nothing is allocated there
 * @param zero it reads as zeroes
 */
public record AllocationExtent(long offset, long length, boolean hole, boolean zero) {}
