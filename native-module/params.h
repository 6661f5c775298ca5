/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BLKSNAP_PARAMS_H
#define BLKSNAP_PARAMS_H

#include <linux/types.h>

bool params_discard_swallow(void);
unsigned int params_chunk_maximum_in_queue(void);
unsigned int params_free_diff_buffer_pool_size(void);
u64 params_diff_storage_minimum(void);

unsigned int params_tracking_block_shift(u64 capacity_bytes);
unsigned int params_chunk_shift(u64 capacity_bytes, unsigned int io_min);

void params_log(void);

#endif /* BLKSNAP_PARAMS_H */
