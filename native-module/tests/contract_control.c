// SPDX-License-Identifier: GPL-2.0
/*
 * The contract of the control device: snapshots, their storage, their events.
 */
#include <signal.h>
#include <sys/wait.h>

#include "contract.h"

void group_control(void)
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

void group_storage(void)
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

static void interrupted(int number)
{
}

void group_events(void)
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
