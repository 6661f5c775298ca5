// SPDX-License-Identifier: Apache-2.0
/** Benchmarks of single parts: marking, preserving, image reads, and what an attach costs. */
package org.blksnap.bench;
