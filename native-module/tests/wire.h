/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The blksnap interface as numbers, written down once more and not taken
 * from uapi/blksnap.h, so that a slip there is found (uapi_numbers.c).
 *
 * struct            offset/size of its fields
 * append_storage    id 0/16, bdev_path 16/8, bdev_path_size 24/4, count 28/4, ranges 32/8
 * collect           count 0/4, ids 8/8
 * event             id 0/16, timeout_ms 16/4, code 20/4, time_label 24/8, data 32/4064
 * filter ctl        name 0/32, cmd 32/4, optlen 36/4, opt 40/8
 * cbtinfo           device_capacity 0/8, block_size 8/4, block_count 12/4, generation_id 16/16, changes_number 32/1
 * cbtmap            offset 0/4, length 4/4, buffer 8/8
 * cbtdirty          count 0/4, dirty_sectors 8/8
 * snapshotinfo      error_code 0/4, image 4/32
 */
#ifndef WIRE_H
#define WIRE_H

#include <stdint.h>
#include <string.h>

#define CONTROL_NODE "/dev/blksnap-control"

#define CALL_VERSION 0x40085600u
#define CALL_CREATE 0x40105601u
#define CALL_DESTROY 0x80105602u
#define CALL_APPEND 0x40285603u
#define CALL_TAKE 0x80105604u
#define CALL_COLLECT 0x40105605u
#define CALL_WAIT 0x50005606u

#define CALL_ATTACH 0xc020128cu
#define CALL_DETACH 0xc020128du
#define CALL_CTL 0xc030128eu

#define CTL_CBTINFO 0
#define CTL_CBTMAP 1
#define CTL_CBTDIRTY 2
#define CTL_SNAPSHOTADD 3
#define CTL_SNAPSHOTINFO 4

#define EVENT_LOW_FREE_SPACE 0
#define EVENT_CORRUPTED 1

#define SIZE_VERSION 8
#define SIZE_UUID 16
#define SIZE_APPEND 40
#define SIZE_COLLECT 16
#define SIZE_EVENT 4096
#define SIZE_FILTER_NAME 32
#define SIZE_CTL 48
#define SIZE_CBTINFO 40
#define SIZE_CBTMAP 16
#define SIZE_CBTDIRTY 16
#define SIZE_SNAPSHOTINFO 36

static inline void put32(void *at, int offset, uint32_t value)
{
	memcpy((char *)at + offset, &value, 4);
}

static inline void put64(void *at, int offset, uint64_t value)
{
	memcpy((char *)at + offset, &value, 8);
}

static inline void put_pointer(void *at, int offset, const void *value)
{
	put64(at, offset, (uint64_t)(uintptr_t)value);
}

static inline uint16_t get16(const void *at, int offset)
{
	uint16_t value;

	memcpy(&value, (const char *)at + offset, 2);
	return value;
}

static inline uint32_t get32(const void *at, int offset)
{
	uint32_t value;

	memcpy(&value, (const char *)at + offset, 4);
	return value;
}

static inline uint64_t get64(const void *at, int offset)
{
	uint64_t value;

	memcpy(&value, (const char *)at + offset, 8);
	return value;
}

#endif
