// SPDX-License-Identifier: GPL-2.0
/*
 * The contract of the filter calls: names, maps, a device in a snapshot.
 */
#include "contract.h"

static int ctl_raw(int device, const char *name, uint32_t command, void *option, uint32_t optlen)
{
	char argument[SIZE_CTL] = { 0 };

	memcpy(argument, name, SIZE_FILTER_NAME);
	put32(argument, 32, command);
	put32(argument, 36, optlen);
	put_pointer(argument, 40, option);
	return called(device, CALL_CTL, argument);
}

void group_filter(void)
{
	char ours[SIZE_FILTER_NAME] = "blksnap", other[SIZE_FILTER_NAME] = "other", endless[SIZE_FILTER_NAME];
	char longer[SIZE_FILTER_NAME] = "blksnap2", empty[SIZE_FILTER_NAME] = "";
	char info[SIZE_CBTINFO + 64], before[SIZE_CBTINFO];
	int storage = opened(storage_path, O_RDONLY), null = opened("/dev/null", O_RDONLY);
	uint32_t length, command;

	memset(endless, 'x', sizeof(endless));
	expect("cbtinfo", filter_cbtinfo(device1, before), 0);

	bad_pointers("attach", storage, CALL_ATTACH, SIZE_FILTER_NAME);
	bad_pointers("detach", device1, CALL_DETACH, SIZE_FILTER_NAME);
	bad_pointers("ctl", device1, CALL_CTL, SIZE_CTL);
	expect("attach of an unknown filter", called(storage, CALL_ATTACH, other), ANY);
	expect("attach of a name without end", called(storage, CALL_ATTACH, endless), ANY);
	expect("attach of a name that begins alike", called(storage, CALL_ATTACH, longer), ANY);
	expect("attach of no name", called(storage, CALL_ATTACH, empty), ANY);
	expect("attach of a device that is attached", called(device1, CALL_ATTACH, ours), ANY);
	expect("detach of a device that is not attached", called(storage, CALL_DETACH, ours), ANY);
	expect("detach of an unknown filter", called(device1, CALL_DETACH, other), ANY);
	expect("ctl of a device that is not attached", filter_cbtinfo(storage, info), ANY);
	expect("ctl of an unknown filter", ctl_raw(device1, other, CTL_CBTINFO, info, SIZE_CBTINFO), ANY);
	expect("attach of what is no block device", called(null, CALL_ATTACH, ours), ENOTTY);

	for (command = 5; command < 260; command++)
		expect("ctl with a number without a command", ctl_raw(device1, ours, command, info, sizeof(info)), ENOTTY);
	expect("ctl with a huge number", ctl_raw(device1, ours, 0xffffffff, info, sizeof(info)), ENOTTY);
	expect("ctl with the greatest positive number", ctl_raw(device1, ours, 0x7fffffff, info, sizeof(info)), ENOTTY);

	expect("cbtinfo into nothing", ctl_raw(device1, ours, CTL_CBTINFO, NULL, SIZE_CBTINFO), EFAULT);
	expect("cbtinfo into the unmapped", ctl_raw(device1, ours, CTL_CBTINFO, nowhere, SIZE_CBTINFO), EFAULT);
	expect("cbtmap from nothing", ctl_raw(device1, ours, CTL_CBTMAP, NULL, SIZE_CBTMAP), EFAULT);
	expect("cbtdirty from nothing", ctl_raw(device1, ours, CTL_CBTDIRTY, NULL, SIZE_CBTDIRTY), EFAULT);
	expect("snapshotadd from nothing", ctl_raw(device1, ours, CTL_SNAPSHOTADD, NULL, SIZE_UUID), EFAULT);
	/* A 32-bit program's struct may lack the last padding. */
	expect("cbtinfo, buffer too small", ctl_raw(device1, ours, CTL_CBTINFO, info, sizeof(void *) == 4 ? 35 : 39), ANY);
	expect("cbtinfo, no buffer", ctl_raw(device1, ours, CTL_CBTINFO, info, 0), ANY);
	expect("cbtmap, option too small", ctl_raw(device1, ours, CTL_CBTMAP, info, SIZE_CBTMAP - 1), ANY);
	expect("cbtdirty, option too small", ctl_raw(device1, ours, CTL_CBTDIRTY, info, SIZE_CBTDIRTY - 1), ANY);
	expect("snapshotadd, option too small", ctl_raw(device1, ours, CTL_SNAPSHOTADD, info, SIZE_UUID - 1), ANY);

	memset(info, 0xee, sizeof(info));
	length = sizeof(info);
	expect("cbtinfo into a greater buffer", filter_ctl(device1, CTL_CBTINFO, info, &length), 0);
	expect_number("optlen cbtinfo sets", length, SIZE_CBTINFO);
	expect_that("cbtinfo writes 40 bytes", (uint8_t)info[SIZE_CBTINFO] == 0xee);
	expect_number("cbtinfo capacity", get64(info, 0), sectors_of(path1) * 512);
	expect_number("cbtinfo block size times blocks covers the capacity",
		      (get64(info, 0) + get32(info, 8) - 1) / get32(info, 8), get32(info, 12));
	expect_that("the tracker is untouched by what was refused", !memcmp(info, before, 33));

	expect("detach", called(device1, CALL_DETACH, ours), 0);
	expect("detach again", called(device1, CALL_DETACH, ours), ANY);
	expect("cbtinfo after detach", filter_cbtinfo(device1, info), ANY);
	expect("attach again", called(device1, CALL_ATTACH, ours), 0);
	expect("cbtinfo after attach", filter_cbtinfo(device1, info), 0);
	expect_that("a new attachment has a new generation", memcmp(info + 16, before + 16, SIZE_UUID));
}

void group_cbt(void)
{
	char info[SIZE_CBTINFO], after[SIZE_CBTINFO];
	uint64_t sectors = sectors_of(path1);
	char ranges[32], *edge = page_end - 16;
	uint8_t *map, *again;
	uint32_t blocks, i;

	expect("cbtinfo", filter_cbtinfo(device1, info), 0);
	expect_number("changes_number before a take", (uint8_t)info[32], 0);
	blocks = get32(info, 12);
	map = malloc(blocks + 128);
	again = malloc(blocks + 128);
	memset(map, 0xee, blocks + 128);
	expect("cbtmap", filter_cbtmap(device1, 0, blocks, map), 0);
	for (i = 0; i < blocks && !map[i]; i++)
		;
	expect_number("zeroes the new map starts with", i, blocks);
	expect_that("cbtmap writes no more than the map", map[blocks] == 0xee);

	expect("cbtmap at the end", filter_cbtmap(device1, blocks, 64, map + blocks), 0);
	expect_that("cbtmap at the end writes nothing", map[blocks] == 0xee);
	expect("cbtmap over the end", filter_cbtmap(device1, blocks - 1, 64, map), 0);
	expect_that("cbtmap over the end writes what there is", map[1] == 0 && map[blocks] == 0xee);
	expect("cbtmap past the end", filter_cbtmap(device1, blocks + 1, 1, map), EINVAL);
	expect("cbtmap far past the end", filter_cbtmap(device1, 0xffffffff, 1, map), EINVAL);
	expect("cbtmap far past the end, far", filter_cbtmap(device1, 0xffffffff, 0xffffffff, map), EINVAL);
	expect("cbtmap of no bytes", filter_cbtmap(device1, 0, 0, map), 0);
	expect("cbtmap of no bytes into nothing", filter_cbtmap(device1, 0, 0, NULL), 0);
	expect("cbtmap into nothing", filter_cbtmap(device1, 0, 1, NULL), EFAULT);
	expect("cbtmap into the unmapped", filter_cbtmap(device1, 0, 1, nowhere), EFAULT);
	expect("cbtmap over the end of memory", filter_cbtmap(device1, 0, 64, page_end - 32), EFAULT);

	put64(ranges, 0, 0);
	put64(ranges, 8, 1);
	put64(ranges, 16, sectors - 1);
	put64(ranges, 24, 2);
	expect("cbtdirty with nothing", filter_cbtdirty(device1, NULL, 1), EFAULT);
	expect("cbtdirty with the unmapped", filter_cbtdirty(device1, nowhere, 1), EFAULT);
	memcpy(edge, ranges, 16);
	expect("cbtdirty whose second range is unmapped", filter_cbtdirty(device1, edge, 2), EFAULT);
	expect("cbtdirty with a huge count", filter_cbtdirty(device1, ranges, 0xffffffff), ANY);
	expect("cbtdirty whose second range passes the end", filter_cbtdirty(device1, ranges, 2), EINVAL);
	put64(ranges, 0, 0xfffffffffffffff8ull);
	put64(ranges, 8, 16);
	expect("cbtdirty of a range that overflows", filter_cbtdirty(device1, ranges, 1), EINVAL);
	put64(ranges, 0, sectors);
	put64(ranges, 8, 1);
	expect("cbtdirty of a range at the end", filter_cbtdirty(device1, ranges, 1), EINVAL);
	expect("cbtinfo", filter_cbtinfo(device1, after), 0);
	expect_that("refused calls leave the map's number alone", !memcmp(info, after, 33));
	filter_cbtmap(device1, 0, blocks, again);
	for (i = 0; i < blocks && !again[i]; i++)
		;
	expect_number("zeroes the map has after refused marks", i, blocks);
	free(map);
	free(again);
}

void group_snapshot(void)
{
	uint8_t id[SIZE_UUID], other[SIZE_UUID];
	char info[SIZE_SNAPSHOTINFO + 1] = { 0 };
	char name[SIZE_FILTER_NAME] = "blksnap";
	uint64_t half = sectors_of(storage_path) / 2;
	uint32_t length = sizeof(info);

	expect("add to an unknown snapshot", filter_add(device1, unknown), ESRCH);
	expect("create", snap_create(id), 0);
	expect("create", snap_create(other), 0);
	expect("add", filter_add(device1, id), 0);
	expect("add again", filter_add(device1, id), EALREADY);
	expect("add to another snapshot", filter_add(device1, other), ANY);
	expect("snapshotinfo before the take", filter_info(device1, info), 0);
	expect_that("no image before the take", !info[4] && !get32(info, 0));
	expect("take without storage", snap_take(id), EFAULT);
	expect("snapshotinfo after a refused take", filter_info(device1, info), 0);
	expect_that("no image after a refused take", !info[4] && !get32(info, 0));
	expect("append", snap_append_one(id, storage_path, 0, half), 0);
	expect("take", snap_take(id), 0);
	expect("take again", snap_take(id), EALREADY);
	expect("snapshotinfo", filter_ctl(device1, CTL_SNAPSHOTINFO, info, &length), 0);
	expect_number("optlen snapshotinfo sets", length, SIZE_SNAPSHOTINFO);
	expect_that("the image's name", !strncmp(info + 4, "blksnap-image_", 14));
	expect_number("error code", (int)get32(info, 0), 0);
	expect("snapshotinfo into nothing", ctl_raw(device1, name, CTL_SNAPSHOTINFO, NULL, SIZE_SNAPSHOTINFO), EFAULT);
	expect("snapshotinfo, buffer too small", ctl_raw(device1, name, CTL_SNAPSHOTINFO, info, SIZE_SNAPSHOTINFO - 1), ANY);
	expect("add of a held device to another snapshot", filter_add(device1, other), ANY);
	expect("add to a taken snapshot", filter_add(device2, id), ANY);
	expect("add the other to the other", filter_add(device2, other), 0);
	expect("append to the other", snap_append_one(other, storage_path, half, half), 0);
	expect("take the other", snap_take(other), 0);
	expect("destroy", snap_destroy(id), 0);
	expect("add after destroy", snap_create(id), 0);
	expect("a destroyed snapshot lets its device go", filter_add(device1, id), 0);
	expect("destroy", snap_destroy(id), 0);
	expect("destroy the other", snap_destroy(other), 0);
}
