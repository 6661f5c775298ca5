// SPDX-License-Identifier: GPL-2.0
/*
 * Random calls: known and unknown numbers, sizes, commands; arguments that are
 * right, nearly right, noise, or no memory at all. Nothing is expected of an
 * answer but that there is one. Several processes at once, because calls race.
 *
 *   fuzz CALLS PROCESSES SEED STORAGE DEVICE…
 *
 * At the end every snapshot is destroyed, every device detached.
 */
#include <inttypes.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "calls.h"
#include "sectors.h"

#define DEVICES_MAXIMUM 8
#define IDS 4

static struct dice dice;
static int devices[DEVICES_MAXIMUM], device_count;
static const char *storage;
static char *page_end, *memory;
static uint8_t (*ids)[SIZE_UUID]; /* shared by the processes: recent snapshots */

static void *somewhere(void)
{
	switch (below(&dice, 8)) {
	case 0:
		return NULL;
	case 1:
		return (void *)(uintptr_t)0x10000;
	case 2:
		return (void *)(uintptr_t)0xffff888000001000ull;
	case 3:
		return page_end - below(&dice, 64);
	default:
		return memory + below(&dice, 4096);
	}
}

static uint64_t some_number(void)
{
	static const uint64_t edges[] = { 0, 1, 2, 7, 8, 15, 16, 255, 4095, 4096, 65535, 0x7fffffff, 0x80000000ull,
					  0xffffffffull, 0x7fffffffffffffffull, 0x8000000000000000ull, UINT64_MAX };

	return below(&dice, 2) ? edges[below(&dice, sizeof(edges) / sizeof(*edges))] : roll(&dice) >> below(&dice, 64);
}

static void noise(char *at, int size)
{
	int i;

	for (i = 0; i < size; i++)
		at[i] = roll(&dice);
}

static void some_id(char *at)
{
	if (below(&dice, 6))
		memcpy(at, ids[below(&dice, IDS)], SIZE_UUID);
	else
		noise(at, SIZE_UUID);
}

static void some_ranges(char *at, int count)
{
	int i;

	for (i = 0; i < count; i++) {
		put64(at, 16 * i, below(&dice, 4) ? below(&dice, 262144) : some_number());
		put64(at, 16 * i + 8, below(&dice, 4) ? 1 + below(&dice, 16384) : some_number());
	}
}

static void one_control_call(void)
{
	static const char *const paths[] = { "/dev/null", "", "/", "/etc/passwd", "/dev/no-such-disk", "relative", "/proc/self/mem" };
	static const unsigned int calls[] = { CALL_VERSION, CALL_CREATE, CALL_DESTROY, CALL_APPEND, CALL_TAKE, CALL_COLLECT, CALL_WAIT };
	unsigned int number = below(&dice, 8), call;
	char argument[SIZE_EVENT], ranges[16 * 16];
	const char *path;

	noise(argument, SIZE_APPEND);
	some_id(argument);
	if (number == 7) {
		/* No number of ours, or one of ours in other clothes. A wait needs a bounded timeout in any. */
		call = roll(&dice);
		put32(argument, 16, below(&dice, 5));
		ioctl(control_fd(), call, below(&dice, 2) ? argument : (call & 0xff) == 6 ? NULL : somewhere());
		return;
	}
	call = calls[number];
	switch (call) {
	case CALL_CREATE:
		if (!below(&dice, 4))
			break;
		if (!ioctl(control_fd(), call, argument))
			memcpy(ids[below(&dice, IDS)], argument, SIZE_UUID);
		return;
	case CALL_APPEND:
		path = below(&dice, 4) ? storage : paths[below(&dice, 7)];
		some_ranges(ranges, 16);
		put_pointer(argument, 16, below(&dice, 8) ? (void *)path : somewhere());
		put32(argument, 24, below(&dice, 4) ? strlen(path) : some_number());
		put32(argument, 28, below(&dice, 4) ? below(&dice, 17) : some_number());
		put_pointer(argument, 32, below(&dice, 8) ? ranges : somewhere());
		break;
	case CALL_COLLECT:
		put32(argument, 0, some_number());
		put_pointer(argument, 8, somewhere());
		break;
	case CALL_WAIT:
		put32(argument, 16, below(&dice, 5));
		break;
	}
	if (below(&dice, 8))
		ioctl(control_fd(), call, argument);
	else if (call != CALL_WAIT)
		ioctl(control_fd(), call, somewhere());
	else
		ioctl(control_fd(), call, NULL);
}

static void one_filter_call(void)
{
	static const char *const names[] = { "blksnap", "blksna", "blksnap ", "other", "" };
	int device = devices[below(&dice, device_count)];
	char argument[SIZE_CTL] = { 0 }, option[64], ranges[16 * 16];

	strcpy(argument, below(&dice, 12) ? "blksnap" : names[below(&dice, 5)]);
	if (!below(&dice, 32))
		noise(argument, SIZE_FILTER_NAME);
	switch (below(&dice, 24)) {
	case 0:
	case 1:
		ioctl(device, CALL_ATTACH, argument);
		return;
	case 2:
		ioctl(device, CALL_DETACH, argument);
		return;
	case 3:
		ioctl(device, below(&dice, 2) ? CALL_ATTACH : CALL_CTL, somewhere());
		return;
	}
	noise(option, sizeof(option));
	put32(argument, 32, below(&dice, 16) ? below(&dice, 6) : some_number());
	put32(argument, 36, below(&dice, 4) ? 64 : some_number());
	put_pointer(argument, 40, below(&dice, 8) ? option : somewhere());
	switch (get32(argument, 32)) {
	case CTL_CBTMAP:
		put32(option, 0, below(&dice, 4) ? below(&dice, 2048) : some_number());
		put32(option, 4, below(&dice, 4) ? below(&dice, 2048) : some_number());
		put_pointer(option, 8, below(&dice, 4) ? memory : somewhere());
		break;
	case CTL_CBTDIRTY:
		some_ranges(ranges, 16);
		put32(option, 0, below(&dice, 4) ? below(&dice, 17) : some_number());
		put_pointer(option, 8, below(&dice, 4) ? ranges : somewhere());
		break;
	case CTL_SNAPSHOTADD:
		some_id(option);
		break;
	}
	ioctl(device, CALL_CTL, argument);
}

/* Some life on the devices, so that calls meet requests. */
static void one_request(void)
{
	static char *buffer;
	int device = devices[below(&dice, device_count)];
	uint64_t at = below(&dice, 16384) * 4096;

	if (!buffer)
		buffer = aligned(16384);
	if (below(&dice, 2))
		(void)!pwrite(device, buffer, 4096 << below(&dice, 3), at);
	else
		(void)!pread(device, buffer, 4096 << below(&dice, 3), at);
}

static void tidy_up(void)
{
	char argument[SIZE_COLLECT] = { 0 };
	uint8_t *list;
	uint32_t i, count;
	int error;

	error = called(control_fd(), CALL_COLLECT, argument);
	if (error)
		die("collect: %s", errno_name(error));
	count = get32(argument, 0);
	list = calloc(count + 1, SIZE_UUID);
	put32(argument, 0, count);
	put_pointer(argument, 8, list);
	error = called(control_fd(), CALL_COLLECT, argument);
	if (error)
		die("collect: %s", errno_name(error));
	for (i = 0; i < count; i++) {
		error = snap_destroy(list + 16 * i);
		if (error)
			die("destroy: %s", errno_name(error));
	}
	for (i = 0; i < (uint32_t)device_count; i++)
		filter_detach(devices[i]);
	printf("%u snapshots were left\n", count);
}

int main(int argc, char **argv)
{
	uint64_t calls, seed, n;
	int processes, i, status, broken = 0;

	if (argc < 6)
		die("usage: fuzz CALLS PROCESSES SEED STORAGE DEVICE…");
	calls = strtoull(argv[1], NULL, 0);
	processes = atoi(argv[2]);
	seed = strtoull(argv[3], NULL, 0);
	storage = argv[4];
	for (i = 5; i < argc && device_count < DEVICES_MAXIMUM; i++)
		devices[device_count++] = opened(argv[i], O_RDWR | O_DIRECT);
	memory = mmap(NULL, 16 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ids = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED || ids == MAP_FAILED || mprotect(memory + 8 * 4096, 8 * 4096, PROT_NONE))
		die("mmap: %s", errno_name(errno));
	page_end = memory + 8 * 4096;
	for (i = 0; i < processes; i++) {
		if (fork())
			continue;
		dice.state = seed * 100 + i;
		for (n = 0; n < calls / processes; n++) {
			uint64_t what = below(&dice, 16);

			if (what < 8)
				one_control_call();
			else if (what < 15)
				one_filter_call();
			else
				one_request();
		}
		_exit(0);
	}
	while (wait(&status) > 0)
		broken |= status;
	tidy_up();
	if (broken)
		die("seed %" PRIu64 ": a process ended with %#x", seed, broken);
	printf("%" PRIu64 " calls, seed %" PRIu64 "\n", calls, seed);
	return 0;
}
