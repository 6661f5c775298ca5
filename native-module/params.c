// SPDX-License-Identifier: GPL-2.0
/*
 * The nine parameters of the interface, one of our own, and the block size rule
 * made of them. A value outside its range is refused at the write with EINVAL.
 * Each is one aligned word: it is read once where it is used, without a lock.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/limits.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include "params.h"

#define TRACKING_SHIFT_MIN	9
#define TRACKING_SHIFT_MAX	30
#define CHUNK_SHIFT_MIN		PAGE_SHIFT
#define CHUNK_SHIFT_MAX		28

struct limits {
	unsigned int min;
	unsigned int max;
};

struct bounded {
	unsigned int value;
	struct limits allowed;
};

static int bounded_set(const char *val, const struct kernel_param *kp)
{
	struct bounded *p = kp->arg;
	unsigned int value;
	int ret = kstrtouint(val, 0, &value);

	if (ret)
		return ret;
	if (value < p->allowed.min || value > p->allowed.max) {
		pr_err("%s: %u refused, give %u to %u\n", kp->name, value,
		       p->allowed.min, p->allowed.max);
		return -EINVAL;
	}
	WRITE_ONCE(p->value, value);
	return 0;
}

static int bounded_get(char *buffer, const struct kernel_param *kp)
{
	const struct bounded *p = kp->arg;

	return sysfs_emit(buffer, "%u\n", READ_ONCE(p->value));
}

static const struct kernel_param_ops bounded_ops = {
	.set = bounded_set,
	.get = bounded_get,
};

static struct bounded tracking_block_minimum_shift = {
	16, { TRACKING_SHIFT_MIN, TRACKING_SHIFT_MAX } };
module_param_cb(tracking_block_minimum_shift, &bounded_ops,
		&tracking_block_minimum_shift, 0644);
MODULE_PARM_DESC(tracking_block_minimum_shift,
		 "smallest tracking block, power of two of bytes");

static struct bounded tracking_block_maximum_count = {
	2097152, { 1, INT_MAX } };
module_param_cb(tracking_block_maximum_count, &bounded_ops,
		&tracking_block_maximum_count, 0644);
MODULE_PARM_DESC(tracking_block_maximum_count,
		 "most tracking blocks before the block size is doubled");

static struct bounded tracking_block_maximum_shift = {
	26, { TRACKING_SHIFT_MIN, TRACKING_SHIFT_MAX } };
module_param_cb(tracking_block_maximum_shift, &bounded_ops,
		&tracking_block_maximum_shift, 0644);
MODULE_PARM_DESC(tracking_block_maximum_shift,
		 "largest tracking block, power of two of bytes");

static struct bounded chunk_minimum_shift = {
	18, { CHUNK_SHIFT_MIN, CHUNK_SHIFT_MAX } };
module_param_cb(chunk_minimum_shift, &bounded_ops, &chunk_minimum_shift, 0644);
MODULE_PARM_DESC(chunk_minimum_shift,
		 "smallest copy-on-write chunk, power of two of bytes");

static struct bounded chunk_maximum_count = { 2097152, { 1, INT_MAX } };
module_param_cb(chunk_maximum_count, &bounded_ops, &chunk_maximum_count, 0644);
MODULE_PARM_DESC(chunk_maximum_count,
		 "most chunks before the chunk size is doubled");

static struct bounded chunk_maximum_shift = {
	26, { CHUNK_SHIFT_MIN, CHUNK_SHIFT_MAX } };
module_param_cb(chunk_maximum_shift, &bounded_ops, &chunk_maximum_shift, 0644);
MODULE_PARM_DESC(chunk_maximum_shift, "largest chunk, power of two of bytes");

static struct bounded chunk_maximum_in_queue = { 16, { 1, 65536 } };
module_param_cb(chunk_maximum_in_queue, &bounded_ops, &chunk_maximum_in_queue,
		0644);
MODULE_PARM_DESC(chunk_maximum_in_queue,
		 "chunks that wait in memory before the store worker is woken");

static struct bounded free_diff_buffer_pool_size = { 128, { 0, 65536 } };
module_param_cb(free_diff_buffer_pool_size, &bounded_ops,
		&free_diff_buffer_pool_size, 0644);
MODULE_PARM_DESC(free_diff_buffer_pool_size,
		 "chunk buffers kept for reuse");

static struct bounded diff_storage_minimum = { 2097152, { 1, INT_MAX } };
module_param_cb(diff_storage_minimum, &bounded_ops, &diff_storage_minimum,
		0644);
MODULE_PARM_DESC(diff_storage_minimum,
		 "sectors of difference storage asked for at a time");

static struct bounded discard_swallow = { 0, { 0, 1 } };
module_param_cb(discard_swallow, &bounded_ops, &discard_swallow, 0644);
MODULE_PARM_DESC(discard_swallow,
		 "1: a discard under a held snapshot is not done, instead of copying first");

bool params_discard_swallow(void)
{
	return READ_ONCE(discard_swallow.value);
}

unsigned int params_chunk_maximum_in_queue(void)
{
	return READ_ONCE(chunk_maximum_in_queue.value);
}

unsigned int params_free_diff_buffer_pool_size(void)
{
	return READ_ONCE(free_diff_buffer_pool_size.value);
}

u64 params_diff_storage_minimum(void)
{
	return READ_ONCE(diff_storage_minimum.value);
}

static unsigned int block_shift(const struct bounded *minimum,
				const struct bounded *maximum,
				const struct bounded *count,
				u64 capacity, unsigned int io_min)
{
	unsigned int max_shift = READ_ONCE(maximum->value);
	unsigned int shift = min(READ_ONCE(minimum->value), max_shift);
	u64 max_count = READ_ONCE(count->value);

	while (shift < max_shift &&
	       (DIV64_U64_ROUND_UP(capacity, 1ULL << shift) > max_count ||
		(1ULL << shift) < io_min))
		shift++;
	return shift;
}

unsigned int params_tracking_block_shift(u64 capacity_bytes)
{
	return block_shift(&tracking_block_minimum_shift,
			   &tracking_block_maximum_shift,
			   &tracking_block_maximum_count, capacity_bytes, 0);
}

unsigned int params_chunk_shift(u64 capacity_bytes, unsigned int io_min)
{
	return block_shift(&chunk_minimum_shift, &chunk_maximum_shift,
			   &chunk_maximum_count, capacity_bytes, io_min);
}

void params_log(void)
{
	pr_info("tracking blocks: shift %u to %u, at most %u\n",
		tracking_block_minimum_shift.value,
		tracking_block_maximum_shift.value,
		tracking_block_maximum_count.value);
	pr_info("chunks: shift %u to %u, at most %u, queue %u, pool %u\n",
		chunk_minimum_shift.value, chunk_maximum_shift.value,
		chunk_maximum_count.value, chunk_maximum_in_queue.value,
		free_diff_buffer_pool_size.value);
	pr_info("difference storage: %u sectors at a time\n",
		diff_storage_minimum.value);
}
