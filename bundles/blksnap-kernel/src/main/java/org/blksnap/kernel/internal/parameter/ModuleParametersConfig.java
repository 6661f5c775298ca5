// SPDX-License-Identifier: Apache-2.0
package org.blksnap.kernel.internal.parameter;

import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;

/**
 * Which keys {@link Configured} reads, for consoles and for the doctor, who warns of keys that
 * nobody reads. None has a default: what is absent stays as the module has it. What is allowed is
 * the module's to say ({@link ModuleRanges}).
 */
@ObjectClassDefinition(
    pid = Configured.PID,
    name = "blksnap parameters of the kernel module",
    description = "Set in the loaded module when changed, and in each that is loaded later.")
public @interface ModuleParametersConfig {

  @AttributeDefinition(
      name = "tracking_block_minimum_shift",
      description = "Smallest tracking block, power of two of bytes.",
      required = false)
  String tracking__block__minimum__shift();

  @AttributeDefinition(
      name = "tracking_block_maximum_count",
      description = "Most tracking blocks before the block size is doubled.",
      required = false)
  String tracking__block__maximum__count();

  @AttributeDefinition(
      name = "tracking_block_maximum_shift",
      description = "Largest tracking block, power of two of bytes.",
      required = false)
  String tracking__block__maximum__shift();

  @AttributeDefinition(
      name = "chunk_minimum_shift",
      description = "Smallest copy-on-write chunk, power of two of bytes.",
      required = false)
  String chunk__minimum__shift();

  @AttributeDefinition(
      name = "chunk_maximum_count",
      description = "Most chunks before the chunk size is doubled.",
      required = false)
  String chunk__maximum__count();

  @AttributeDefinition(
      name = "chunk_maximum_shift",
      description = "Largest copy-on-write chunk, power of two of bytes.",
      required = false)
  String chunk__maximum__shift();

  @AttributeDefinition(
      name = "chunk_maximum_in_queue",
      description = "Chunks that may wait in memory for storing before the store worker is woken.",
      required = false)
  String chunk__maximum__in__queue();

  @AttributeDefinition(
      name = "free_diff_buffer_pool_size",
      description = "Chunk buffers kept for reuse.",
      required = false)
  String free__diff__buffer__pool__size();

  @AttributeDefinition(
      name = "diff_storage_minimum",
      description = "Portion of difference storage asked for at a time, sectors.",
      required = false)
  String diff__storage__minimum();
}
