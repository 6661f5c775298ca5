// SPDX-License-Identifier: Apache-2.0
package org.blksnap.control.internal.parameter;

import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;

/**
 * The nine module parameters under their own names (two underscores here are one there), with what
 * {@link UserspaceRanges} allows. A test keeps names and defaults equal.
 */
@ObjectClassDefinition(
    name = "blksnap parameters",
    description = "The parameters of the blksnap module.")
public @interface ParametersConfig {

  @AttributeDefinition(
      name = "tracking_block_minimum_shift",
      description =
          "Smallest tracking block, power of two of bytes. Read when a tracker's map is made.",
      min = "9",
      max = "30")
  int tracking__block__minimum__shift() default 16;

  @AttributeDefinition(
      name = "tracking_block_maximum_count",
      description =
          "Most tracking blocks before the block size is doubled. Read when a tracker's map is made.",
      min = "1",
      max = "268435456")
  int tracking__block__maximum__count() default 2097152;

  @AttributeDefinition(
      name = "tracking_block_maximum_shift",
      description =
          "Largest tracking block, power of two of bytes; reaching it, the count may exceed its maximum. Read when a tracker's map is made.",
      min = "9",
      max = "30")
  int tracking__block__maximum__shift() default 26;

  @AttributeDefinition(
      name = "chunk_minimum_shift",
      description =
          "Smallest copy-on-write chunk, power of two of bytes. Read when a snapshot is taken.",
      min = "12",
      max = "30")
  int chunk__minimum__shift() default 18;

  @AttributeDefinition(
      name = "chunk_maximum_count",
      description = "Most chunks before the chunk size is doubled. Read when a snapshot is taken.",
      min = "1",
      max = "268435456")
  int chunk__maximum__count() default 2097152;

  @AttributeDefinition(
      name = "chunk_maximum_shift",
      description =
          "Largest copy-on-write chunk, power of two of bytes. Read when a snapshot is taken.",
      min = "12",
      max = "30")
  int chunk__maximum__shift() default 26;

  @AttributeDefinition(
      name = "chunk_maximum_in_queue",
      description =
          "Chunks that may wait in memory for storing before the store worker is woken. Live.",
      min = "1",
      max = "4096")
  int chunk__maximum__in__queue() default 16;

  @AttributeDefinition(
      name = "free_diff_buffer_pool_size",
      description =
          "Chunk buffers kept for reuse; more are released once nothing was queued for 2 s. Live.",
      min = "0",
      max = "65536")
  int free__diff__buffer__pool__size() default 128;

  @AttributeDefinition(
      name = "diff_storage_minimum",
      description =
          "Sectors of 512 bytes: the portion asked for at a time; half of it is the low-space mark. Live.",
      min = "8",
      max = "1099511627776")
  long diff__storage__minimum() default 2097152;
}
