// SPDX-License-Identifier: GPL-2.0
/*
 * What the calls answer to right and wrong arguments, and that a refused call
 * changes nothing. Built for both word sizes.
 *
 *   contract GROUP DEVICE DEVICE2 STORAGE     GROUP: control, storage, filter, cbt, snapshot, events
 *
 * DEVICE and DEVICE2 are attached by the caller, STORAGE is not.
 */
#include <inttypes.h>
#include <linux/fs.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#include "calls.h"

#define ANY -1 /* some errno */

static int failures, checks;
static const char *path1, *path2, *storage_path;
static int device1, device2;
static char *page_end; /* the first byte that can't be read or written */
static void *const nowhere = (void *)(uintptr_t)0x10000;
static uint8_t unknown[SIZE_UUID] = "no such snapshot";

static void expect(const char *what, int got, int want)
{
	checks++;
	if (want == ANY ? got : got == want)
		return;
	failures++;
	fprintf(stderr, "%s: answered %s, expected %s\n", what, errno_name(got), want == ANY ? "a refusal" : errno_name(want));
}

static void expect_that(const char *what, int holds)
{
	checks++;
	if (holds)
		return;
	failures++;
	fprintf(stderr, "%s: is not so\n", what);
}

static void expect_number(const char *what, int64_t got, int64_t want)
{
	checks++;
	if (got == want)
		return;
	failures++;
	fprintf(stderr, "%s: is %" PRId64 ", expected %" PRId64 "\n", what, got, want);
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ull + now.tv_nsec / 1000000;
}

static int control(unsigned long call, void *argument)
{
	return called(control_fd(), call, argument);
}

static uint32_t snapshots(void)
{
	char argument[SIZE_COLLECT] = { 0 };

	expect("collect without array", control(CALL_COLLECT, argument), 0);
	return get32(argument, 0);
}

static uint64_t sectors_of(const char *path)
{
	uint64_t bytes = 0;
	int fd = opened(path, O_RDONLY);

	if (ioctl(fd, BLKGETSIZE64, &bytes))
		die("size: %s", errno_name(errno));
	close(fd);
	return bytes / 512;
}

/* Every pointer that is none: null, unmapped, the kernel's, the last byte missing. */
static void bad_pointers(const char *what, int fd, unsigned long call, size_t size)
{
	char text[80];

	snprintf(text, sizeof(text), "%s with a null pointer", what);
	expect(text, called(fd, call, NULL), EFAULT);
	snprintf(text, sizeof(text), "%s with an unmapped pointer", what);
	expect(text, called(fd, call, nowhere), EFAULT);
	snprintf(text, sizeof(text), "%s with a pointer into the kernel", what);
	expect(text, called(fd, call, (void *)(uintptr_t)-65536l), EFAULT);
	memset(page_end - size + 1, 0, size - 1);
	if (call == CALL_WAIT)
		return; /* it ends at the unknown snapshot; see group_events */
	snprintf(text, sizeof(text), "%s with the last byte missing", what);
	expect(text, called(fd, call, page_end - size + 1), EFAULT);
}

static void group_control(void)
{
	char version[SIZE_VERSION + 8];
	uint8_t first[SIZE_UUID] = { 0 }, second[SIZE_UUID] = { 0 };
	char argument[SIZE_COLLECT] = { 0 };
	uint8_t ids[4 * SIZE_UUID];
	int n;

	memset(version, 0xee, sizeof(version));
	expect("version", control(CALL_VERSION, version), 0);
	expect_that("version is 2.0.0.0", get16(version, 0) == 2 && !get16(version, 2) && !get16(version, 4) && !get16(version, 6));
	expect_that("version writes 8 bytes", (uint8_t)version[8] == 0xee);
	memset(version, 0xee, sizeof(version));
	expect("version with other direction and size bits", control(0x5600, version), 0);
	expect_that("version with other bits is 2.0.0.0", get16(version, 0) == 2 && !get16(version, 6));
	for (n = 7; n < 256; n++)
		expect("a number without a call", control(CALL_VERSION + n, version), ENOTTY);

	bad_pointers("version", control_fd(), CALL_VERSION, SIZE_VERSION);
	bad_pointers("create", control_fd(), CALL_CREATE, SIZE_UUID);
	bad_pointers("destroy", control_fd(), CALL_DESTROY, SIZE_UUID);
	bad_pointers("append", control_fd(), CALL_APPEND, SIZE_APPEND);
	bad_pointers("take", control_fd(), CALL_TAKE, SIZE_UUID);
	bad_pointers("collect", control_fd(), CALL_COLLECT, SIZE_COLLECT);
	bad_pointers("wait", control_fd(), CALL_WAIT, SIZE_EVENT);
	expect_number("snapshots after refused calls", snapshots(), 0);

	expect("destroy of an unknown snapshot", snap_destroy(unknown), ENODEV);
	expect("take of an unknown snapshot", snap_take(unknown), ESRCH);
	expect("append to an unknown snapshot", snap_append_one(unknown, storage_path, 0, 8192), ESRCH);

	put32(argument, 0, 4);
	put_pointer(argument, 8, ids);
	expect("collect with nothing to collect", control(CALL_COLLECT, argument), 0);
	expect_number("count of nothing", get32(argument, 0), 0);

	expect("create", snap_create(first), 0);
	expect("create", snap_create(second), 0);
	expect_that("two snapshots have two ids", memcmp(first, second, SIZE_UUID));
	expect_that("an id is a random UUID (version 4, variant 1)", (first[6] & 0xf0) == 0x40 && (first[8] & 0xc0) == 0x80);
	expect_number("snapshots", snapshots(), 2);
	put32(argument, 0, 1);
	put_pointer(argument, 8, ids);
	memset(ids, 0xee, sizeof(ids));
	expect("collect with too small an array", control(CALL_COLLECT, argument), ENODATA);
	expect_number("count that is needed", get32(argument, 0), 2);
	expect_that("collect writes no more than the array", ids[SIZE_UUID] == 0xee);
	put32(argument, 0, 4);
	put_pointer(argument, 8, ids);
	memset(ids, 0xee, sizeof(ids));
	expect("collect", control(CALL_COLLECT, argument), 0);
	expect_number("collected", get32(argument, 0), 2);
	expect_that("collect answers both ids",
		    (!memcmp(ids, first, 16) && !memcmp(ids + 16, second, 16)) ||
			    (!memcmp(ids, second, 16) && !memcmp(ids + 16, first, 16)));
	expect_that("collect writes no more than there is", ids[2 * SIZE_UUID] == 0xee);
	put32(argument, 0, 4);
	put_pointer(argument, 8, nowhere);
	expect("collect into an unmapped array", control(CALL_COLLECT, argument), EFAULT);
	put32(argument, 0, 0xffffffff);
	put_pointer(argument, 8, ids);
	expect("collect with a huge count", control(CALL_COLLECT, argument), 0);
	expect_number("collected with a huge count", get32(argument, 0), 2);

	expect("take without a device", snap_take(first), ENODEV);
	expect("destroy", snap_destroy(first), 0);
	expect("destroy again", snap_destroy(first), ENODEV);
	expect("take of a destroyed snapshot", snap_take(first), ESRCH);
	expect("destroy", snap_destroy(second), 0);
	expect_number("snapshots at the end", snapshots(), 0);
}

static int append_raw(const uint8_t *id, const void *path, uint32_t path_size, uint32_t count, const void *ranges)
{
	char argument[SIZE_APPEND] = { 0 };

	memcpy(argument, id, SIZE_UUID);
	put_pointer(argument, 16, path);
	put32(argument, 24, path_size);
	put32(argument, 28, count);
	put_pointer(argument, 32, ranges);
	return control(CALL_APPEND, argument);
}

static void group_storage(void)
{
	uint64_t sectors = sectors_of(storage_path);
	uint32_t length = strlen(storage_path);
	char range[32], *edge = page_end - 16;
	uint8_t id[SIZE_UUID];

	expect("create", snap_create(id), 0);
	put64(range, 0, 0);
	put64(range, 8, 8192);
	expect("append, path null", append_raw(id, NULL, length, 1, range), EFAULT);
	expect("append, path unmapped", append_raw(id, nowhere, length, 1, range), EFAULT);
	expect("append, ranges null", append_raw(id, storage_path, length, 1, NULL), EFAULT);
	expect("append, ranges unmapped", append_raw(id, storage_path, length, 1, nowhere), EFAULT);
	memcpy(edge, range, 16);
	expect("append, second range unmapped", append_raw(id, storage_path, length, 2, edge), EFAULT);
	expect("append, no range", append_raw(id, storage_path, length, 0, range), ANY);
	expect("append, a huge number of ranges", append_raw(id, storage_path, length, 0xffffffff, range), ANY);
	expect("append, a huge number of ranges that overflows", append_raw(id, storage_path, length, 0x10000001, range), ANY);
	expect("append, an empty path", append_raw(id, "", 0, 1, range), ANY);
	expect("append, a huge path", append_raw(id, storage_path, 0xffffffff, 1, range), ANY);
	expect("append, no such file", append_raw(id, "/dev/no-such-disk", 17, 1, range), ENOENT);
	expect("append, a directory", append_raw(id, "/dev", 4, 1, range), ANY);
	expect("append, a character device", append_raw(id, "/dev/null", 9, 1, range), ANY);
	put64(range, 0, sectors);
	expect("append, a range at the end", append_raw(id, storage_path, length, 1, range), ANY);
	put64(range, 0, sectors - 8191);
	expect("append, a range over the end", append_raw(id, storage_path, length, 1, range), ANY);
	put64(range, 0, 0xfffffffffffffff0ull);
	put64(range, 8, 0x20);
	expect("append, a range that overflows", append_raw(id, storage_path, length, 1, range), ANY);
	put64(range, 0, 0);
	put64(range, 8, 0);
	expect("append, an empty range", append_raw(id, storage_path, length, 1, range), ANY);

	/* Nothing of that counts as storage: a take still finds none. */
	expect("add", filter_add(device1, id), 0);
	expect("take without storage", snap_take(id), EFAULT);

	put64(range, 0, 0);
	put64(range, 8, 8192);
	put64(range, 16, 8192);
	put64(range, 24, 8192);
	expect("append, the path's size without its end", append_raw(id, storage_path, length, 1, range), 0);
	expect("append, the path's size with its end", append_raw(id, storage_path, length + 1, 1, range + 16), 0);
	expect("take", snap_take(id), 0);
	put64(range, 0, 16384);
	expect("append to a taken snapshot", append_raw(id, storage_path, length, 1, range), 0);
	expect("destroy", snap_destroy(id), 0);
	expect("append to a destroyed snapshot", append_raw(id, storage_path, length, 1, range), ESRCH);
}

static int ctl_raw(int device, const char *name, uint32_t command, void *option, uint32_t optlen)
{
	char argument[SIZE_CTL] = { 0 };

	memcpy(argument, name, SIZE_FILTER_NAME);
	put32(argument, 32, command);
	put32(argument, 36, optlen);
	put_pointer(argument, 40, option);
	return called(device, CALL_CTL, argument);
}

static void group_filter(void)
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

static void group_cbt(void)
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

static void group_snapshot(void)
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

static void interrupted(int number)
{
}

static void group_events(void)
{
	uint8_t id[SIZE_UUID];
	char *event = malloc(SIZE_EVENT);
	struct sigaction action = { .sa_handler = interrupted };
	uint64_t began, took;
	pid_t child;
	int i;

	expect("wait on an unknown snapshot", snap_wait(unknown, 10, event), ESRCH);
	expect("create", snap_create(id), 0);
	memcpy(page_end - SIZE_EVENT + 1, id, SIZE_UUID);
	put32(page_end - SIZE_EVENT + 1, 16, 100);
	expect("wait with the last byte missing", control(CALL_WAIT, page_end - SIZE_EVENT + 1), EFAULT);
	expect("wait for the first event, not lost by that", snap_wait(id, 1000, event), 0);
	expect_number("its code: low_free_space", get32(event, 20), EVENT_LOW_FREE_SPACE);
	expect_number("sectors it asks for (diff_storage_minimum)", get64(event, 32), 2097152);
	expect_that("its time is of the monotonic clock",
		    get64(event, 24) / 1000000 <= now_ms() && get64(event, 24) / 1000000 + 60000 > now_ms());
	expect_that("its id is kept", !memcmp(event, id, SIZE_UUID));
	for (i = 40; i < SIZE_EVENT && !event[i]; i++)
		;
	expect_number("bytes up to the first that is not zero behind the data", i, SIZE_EVENT);
	began = now_ms();
	expect("wait for a second event", snap_wait(id, 300, event), ENOENT);
	took = now_ms() - began;
	expect_that("a timeout of 300 ms lasts 250 to 2000 ms", took >= 250 && took <= 2000);
	began = now_ms();
	expect("wait without waiting", snap_wait(id, 0, event), ENOENT);
	expect_that("a timeout of 0 returns at once", now_ms() - began < 250);

	sigaction(SIGALRM, &action, NULL);
	ualarm(200000, 0);
	began = now_ms();
	expect("a wait that is interrupted", snap_wait(id, 20000, event), EINTR);
	expect_that("an interrupted wait ends", now_ms() - began < 10000);

	child = fork();
	if (!child)
		_exit(snap_wait(id, 20000, event) == ESRCH ? 0 : 1);
	usleep(300000);
	began = now_ms();
	expect("destroy of a snapshot that is waited for", snap_destroy(id), 0);
	expect_that("it does not wait for the waiter's time", now_ms() - began < 10000);
	waitpid(child, &i, 0);
	expect_that("the waiter is woken with ESRCH", WIFEXITED(i) && !WEXITSTATUS(i));
	expect_that("at once", now_ms() - began < 10000);
	expect("wait on a destroyed snapshot", snap_wait(id, 10, event), ESRCH);
	free(event);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} groups[] = {
		{ "control", group_control }, { "storage", group_storage }, { "filter", group_filter },
		{ "cbt", group_cbt }, { "snapshot", group_snapshot }, { "events", group_events },
	};
	unsigned int i;
	char *pages;

	if (argc != 5)
		die("usage: contract GROUP DEVICE DEVICE2 STORAGE");
	path1 = argv[2];
	path2 = argv[3];
	storage_path = argv[4];
	device1 = opened(path1, O_RDWR);
	device2 = opened(path2, O_RDWR);
	pages = mmap(NULL, 8 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (pages == MAP_FAILED || mprotect(pages + 4 * 4096, 4 * 4096, PROT_NONE))
		die("mmap: %s", errno_name(errno));
	page_end = pages + 4 * 4096;
	for (i = 0; i < sizeof(groups) / sizeof(*groups); i++)
		if (!strcmp(argv[1], groups[i].name)) {
			groups[i].run();
			printf("%s: %d checks, %d failed (%zu bits)\n", argv[1], checks, failures, 8 * sizeof(void *));
			return failures ? 1 : 0;
		}
	die("no group %s", argv[1]);
}
