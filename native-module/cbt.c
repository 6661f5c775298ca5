// SPDX-License-Identifier: GPL-2.0
#include <linux/blk_types.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>
#include "cbt.h"
#include "params.h"

/* Bytes of the map copied at a time, so that no fault is taken locked. */
#define COPY_WINDOW	16384

static int tables_make(struct cbt_tables *tables, u64 capacity, u64 medium)
{
	u64 bytes = capacity << SECTOR_SHIFT;
	u64 count;

	tables->capacity = capacity;
	tables->medium = medium;
	tables->shift = params_tracking_block_shift(bytes);
	count = DIV64_U64_ROUND_UP(bytes, 1ULL << tables->shift);
	if (count > U32_MAX)
		return -EFBIG;
	tables->count = count;
	tables->write = vzalloc(max_t(u64, count, 1));
	tables->read = vzalloc(max_t(u64, count, 1));
	if (tables->write && tables->read)
		return 0;
	cbt_spare_free(tables);
	return -ENOMEM;
}

void cbt_spare_free(struct cbt_tables *spare)
{
	vfree(spare->write);
	vfree(spare->read);
	spare->write = NULL;
	spare->read = NULL;
}

static void cbt_restart(struct cbt *cbt)
{
	uuid_gen(&cbt->generation);
	cbt->active = 1;
	cbt->previous = 0;
	WRITE_ONCE(cbt->corrupted, false);
}

int cbt_init(struct cbt *cbt, u64 capacity, u64 medium)
{
	mutex_init(&cbt->lock);
	cbt_restart(cbt);
	return tables_make(&cbt->tables, capacity, medium);
}

void cbt_destroy(struct cbt *cbt)
{
	cbt_spare_free(&cbt->tables);
}

static void raise_bytes(u8 *map, u32 first, u32 last, u8 value)
{
	u8 *byte = map + first;
	u8 *end = map + last;

	for (; byte <= end; byte++)
		if (READ_ONCE(*byte) < value)
			WRITE_ONCE(*byte, value);
}

/* The blocks of a range; false, and the map void, when one is impossible. */
static bool blocks_of(struct cbt *cbt, u64 sector, u64 count, u32 *first,
		      u32 *last)
{
	unsigned int shift = cbt->tables.shift - SECTOR_SHIFT;
	u64 end = (sector + count - 1) >> shift;

	if (unlikely(end >= cbt->tables.count || end < (sector >> shift))) {
		WRITE_ONCE(cbt->corrupted, true);
		return false;
	}
	*first = sector >> shift;
	*last = end;
	return true;
}

/* A write of the live device; the caller is counted as in flight. */
void cbt_mark(struct cbt *cbt, u64 sector, u64 count)
{
	u32 first, last;

	if (blocks_of(cbt, sector, count, &first, &last))
		raise_bytes(cbt->tables.write, first, last, cbt->active);
}

/* What ioctls and image writes mark. EINVAL: outside of the device. */
int cbt_mark_both(struct cbt *cbt, u64 sector, u64 count)
{
	u32 first, last;
	int ret = 0;

	if (!count)
		return 0;
	mutex_lock(&cbt->lock);
	if (cbt->corrupted) {
		ret = -EFAULT;
	} else if (sector >= cbt->tables.capacity ||
		   count > cbt->tables.capacity - sector) {
		ret = -EINVAL;
	} else if (blocks_of(cbt, sector, count, &first, &last)) {
		raise_bytes(cbt->tables.write, first, last, cbt->active);
		raise_bytes(cbt->tables.read, first, last, cbt->previous);
	}
	mutex_unlock(&cbt->lock);
	return ret;
}

/*
 * Before a take, where memory may be had: new tables in case the map is to be
 * remade. spare is empty when the old ones will do.
 */
int cbt_prepare(struct cbt *cbt, u64 capacity, u64 medium,
		struct cbt_tables *spare)
{
	memset(spare, 0, sizeof(*spare));
	if (READ_ONCE(cbt->tables.capacity) == capacity &&
	    READ_ONCE(cbt->tables.medium) == medium)
		return 0;
	return tables_make(spare, capacity, medium);
}

/*
 * The moment of a take: nothing is in flight. Allocates nothing. A map found
 * void without fresh tables of the right size stays void to the next take.
 */
void cbt_switch(struct cbt *cbt, u64 capacity, u64 medium,
		struct cbt_tables *spare)
{
	struct cbt_tables *tables = &cbt->tables;

	mutex_lock(&cbt->lock);
	if (spare->write && spare->capacity == capacity &&
	    spare->medium == medium) {
		swap(*tables, *spare);
		cbt_restart(cbt);
	} else if (tables->capacity != capacity ||
		   tables->medium != medium) {
		WRITE_ONCE(cbt->corrupted, true);
	} else if (cbt->corrupted || cbt->active == U8_MAX) {
		memset(tables->write, 0, tables->count);
		memset(tables->read, 0, tables->count);
		cbt_restart(cbt);
	} else {
		cbt->previous = cbt->active;
		cbt->active++;
		memcpy(tables->read, tables->write, tables->count);
	}
	mutex_unlock(&cbt->lock);
}

void cbt_info(struct cbt *cbt, struct blksnap_cbtinfo *info)
{
	memset(info, 0, sizeof(*info));
	mutex_lock(&cbt->lock);
	info->device_capacity = cbt->tables.capacity << SECTOR_SHIFT;
	info->block_size = 1U << cbt->tables.shift;
	info->block_count = cbt->tables.count;
	export_uuid(info->generation_id.b, &cbt->generation);
	info->changes_number = cbt->previous;
	mutex_unlock(&cbt->lock);
}

/* Bytes copied: fewer than length at the end of the map. */
ssize_t cbt_read(struct cbt *cbt, u32 offset, u32 length, u8 __user *to)
{
	u32 done = 0;
	ssize_t ret = 0;
	u8 *window;

	window = kmalloc(COPY_WINDOW, GFP_KERNEL);
	if (!window)
		return -ENOMEM;
	do {
		u32 part = min_t(u32, length - done, COPY_WINDOW);

		mutex_lock(&cbt->lock);
		if (cbt->corrupted) {
			ret = -EFAULT;
		} else if (offset > cbt->tables.count) {
			ret = -EINVAL;
		} else {
			part = min_t(u32, part,
				     cbt->tables.count - offset - done);
			memcpy(window, cbt->tables.read + offset + done, part);
		}
		mutex_unlock(&cbt->lock);
		if (ret)
			break;
		if (copy_to_user(to + done, window, part)) {
			ret = -EFAULT;
			break;
		}
		if (!part)
			break;
		done += part;
	} while (done < length);
	kfree(window);
	return ret ? ret : done;
}
