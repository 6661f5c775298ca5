// SPDX-License-Identifier: GPL-2.0
/*
 * Every call of the interface from the command line, from the numbers of
 * wire.h alone. A refused call is told as "blkctl: CALL: ENAME" on standard
 * error with exit status 1; a wrong command line has status 2.
 */
#include <inttypes.h>

#include "calls.h"

static void refused(const char *call, int error)
{
	fprintf(stderr, "blkctl: %s: %s\n", call, errno_name(error));
	exit(1);
}

/* Ends the program if the call was refused. */
static void must(const char *call, int error)
{
	if (error)
		refused(call, error);
}

static void wrong(const char *what)
{
	fprintf(stderr, "blkctl: %s\n", what);
	exit(2);
}

static int device_at(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		refused(path, errno);
	return fd;
}

static void parse_uuid(const char *text, uint8_t *uuid)
{
	int i, used = 0;

	for (i = 0; i < 16; i++) {
		unsigned int byte;

		if (*text == '-')
			text++;
		if (sscanf(text, "%2x%n", &byte, &used) != 1 || used != 2)
			wrong("a UUID has 32 hexadecimal digits");
		uuid[i] = byte;
		text += 2;
	}
}

static void print_uuid(const uint8_t *uuid)
{
	int i;

	for (i = 0; i < 16; i++)
		printf("%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", uuid[i]);
}

/* The arguments OFFSET:COUNT… as an array of sectors[count], 16 bytes each. */
static void *parse_ranges(char **arguments, uint32_t *count)
{
	char *ranges;
	uint32_t i;

	for (*count = 0; arguments[*count]; (*count)++)
		;
	ranges = calloc(*count ? *count : 1, 16);
	for (i = 0; i < *count; i++) {
		uint64_t offset, length;

		if (sscanf(arguments[i], "%" SCNu64 ":%" SCNu64, &offset, &length) != 2)
			wrong("a range is OFFSET:COUNT, in sectors");
		put64(ranges, 16 * i, offset);
		put64(ranges, 16 * i + 8, length);
	}
	return ranges;
}

/* Appends count ranges of eight sectors each, the same one again and again, by one call. */
static void command_ranges(const uint8_t *id, const char *path, uint32_t count)
{
	char *ranges = calloc(count, 16);
	uint32_t i;

	if (!ranges)
		refused("calloc", ENOMEM);
	for (i = 0; i < count; i++)
		put64(ranges, 16 * i + 8, 8);
	must("ranges", snap_append(id, path, ranges, count));
}

static void print_event(const char *event)
{
	const char *data = event + 32;

	switch (get32(event, 20)) {
	case EVENT_LOW_FREE_SPACE:
		printf("low_free_space %" PRIu64 "\n", get64(data, 0));
		break;
	case EVENT_CORRUPTED:
		printf("corrupted %u:%u %d\n", get32(data, 0), get32(data, 4), (int)get32(data, 8));
		break;
	default:
		printf("event %u\n", get32(event, 20));
	}
	fflush(stdout);
}

static void command_wait(const uint8_t *id, uint32_t timeout_ms)
{
	char event[SIZE_EVENT];

	must("wait", snap_wait(id, timeout_ms, event));
	print_event(event);
}

/*
 * Gives the snapshot what its events ask for, from consecutive sectors of one
 * device up to a limit, in pieces of at most `piece` sectors a range; ends
 * when the snapshot is gone.
 */
static void command_feed(const uint8_t *id, const char *path, uint64_t start, uint64_t limit, uint64_t piece)
{
	char event[SIZE_EVENT];

	for (;;) {
		int error = snap_wait(id, 1000, event);
		uint64_t wanted;

		if (error == ENOENT || error == EINTR)
			continue;
		if (error) {
			printf("end %s\n", errno_name(error));
			return;
		}
		print_event(event);
		if (get32(event, 20) != EVENT_LOW_FREE_SPACE)
			continue;
		wanted = get64(event, 32);
		while (wanted && start < limit) {
			uint64_t count = wanted < piece ? wanted : piece;

			if (count > limit - start)
				count = limit - start;
			error = snap_append_one(id, path, start, count);
			if (error) {
				printf("append %s\n", errno_name(error));
				return;
			}
			printf("gave %" PRIu64 ":%" PRIu64 "\n", start, count);
			start += count;
			wanted -= count;
		}
		fflush(stdout);
	}
}

static void command_collect(void)
{
	char argument[SIZE_COLLECT] = { 0 };
	uint8_t *ids;
	uint32_t i, count;

	must("collect", called(control_fd(), CALL_COLLECT, argument));
	count = get32(argument, 0);
	ids = calloc(count + 1, SIZE_UUID);
	put32(argument, 0, count);
	put_pointer(argument, 8, ids);
	must("collect", called(control_fd(), CALL_COLLECT, argument));
	for (i = 0; i < get32(argument, 0) && i < count; i++) {
		print_uuid(ids + 16 * i);
		putchar('\n');
	}
}

static void command_cbtinfo(const char *device)
{
	char info[SIZE_CBTINFO] = { 0 };

	must("cbtinfo", filter_cbtinfo(device_at(device), info));
	printf("capacity=%" PRIu64 " block_size=%u block_count=%u changes=%u generation=",
	       get64(info, 0), get32(info, 8), get32(info, 12), (uint8_t)info[32]);
	print_uuid((uint8_t *)info + 16);
	putchar('\n');
}

static void command_cbtmap(const char *device, uint32_t offset, uint32_t count)
{
	char *map = calloc(1, (size_t)count + 1);

	must("cbtmap", filter_cbtmap(device_at(device), offset, count, map));
	if (fwrite(map, 1, count, stdout) != count)
		refused("write", errno);
}

static uint32_t block_count(const char *device)
{
	char info[SIZE_CBTINFO] = { 0 };

	must("cbtinfo", filter_cbtinfo(device_at(device), info));
	return get32(info, 12);
}

static void command_info(const char *device)
{
	char info[SIZE_SNAPSHOTINFO + 1] = { 0 };

	must("snapshotinfo", filter_info(device_at(device), info));
	printf("%d %s\n", (int)get32(info, 0), info + 4);
}

/* Destroys every snapshot, detaches every device. */
static void command_tidy(void)
{
	char line[256], name[128], path[160];
	char argument[SIZE_COLLECT] = { 0 };
	FILE *partitions = fopen("/proc/partitions", "re");
	uint8_t *ids;
	uint32_t i, count;
	int fd;

	must("collect", called(control_fd(), CALL_COLLECT, argument));
	count = get32(argument, 0);
	ids = calloc(count + 1, SIZE_UUID);
	put32(argument, 0, count);
	put_pointer(argument, 8, ids);
	must("collect", called(control_fd(), CALL_COLLECT, argument));
	for (i = 0; i < count; i++)
		must("destroy", snap_destroy(ids + 16 * i));
	while (partitions && fgets(line, sizeof(line), partitions)) {
		if (sscanf(line, "%*d %*d %*d %127s", name) != 1)
			continue;
		snprintf(path, sizeof(path), "/dev/%s", name);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			continue;
		if (!filter_detach(fd))
			printf("detached %s\n", path);
		close(fd);
	}
}

static void usage(void)
{
	wrong("usage: blkctl version | create | destroy ID | append ID DEV OFFSET:COUNT… | take ID | collect | wait ID MS |\n"
	      "       attach DEV | detach DEV | cbtinfo DEV | cbtmap DEV [OFFSET COUNT] | cbtdirty DEV OFFSET:COUNT… |\n"
	      "       add DEV ID | info DEV | ranges ID DEV COUNT | feed ID DEV START LIMIT [PIECE] | tidy");
}

int main(int argc, char **argv)
{
	const char *command = argc > 1 ? argv[1] : "";
	uint8_t id[SIZE_UUID] = { 0 };
	int arguments = argc - 2;

#define IS(name, least) (!strcmp(command, name) && arguments >= (least))
	if (IS("version", 0)) {
		char version[SIZE_VERSION] = { 0 };

		must(command, called(control_fd(), CALL_VERSION, version));
		printf("%u.%u.%u.%u\n", get16(version, 0), get16(version, 2), get16(version, 4), get16(version, 6));
	} else if (IS("create", 0)) {
		must(command, snap_create(id));
		print_uuid(id);
		putchar('\n');
	} else if (IS("destroy", 1)) {
		parse_uuid(argv[2], id);
		must(command, snap_destroy(id));
	} else if (IS("take", 1)) {
		parse_uuid(argv[2], id);
		must(command, snap_take(id));
	} else if (IS("append", 2)) {
		uint32_t count;
		void *ranges = parse_ranges(argv + 4, &count);

		parse_uuid(argv[2], id);
		must(command, snap_append(id, argv[3], ranges, count));
	} else if (IS("ranges", 3)) {
		parse_uuid(argv[2], id);
		command_ranges(id, argv[3], strtoul(argv[4], NULL, 0));
	} else if (IS("collect", 0)) {
		command_collect();
	} else if (IS("wait", 2)) {
		parse_uuid(argv[2], id);
		command_wait(id, strtoul(argv[3], NULL, 0));
	} else if (IS("feed", 4)) {
		parse_uuid(argv[2], id);
		command_feed(id, argv[3], strtoull(argv[4], NULL, 0), strtoull(argv[5], NULL, 0),
			     arguments > 4 ? strtoull(argv[6], NULL, 0) : UINT64_MAX);
	} else if (IS("attach", 1)) {
		must(command, filter_attach(device_at(argv[2])));
	} else if (IS("detach", 1)) {
		must(command, filter_detach(device_at(argv[2])));
	} else if (IS("cbtinfo", 1)) {
		command_cbtinfo(argv[2]);
	} else if (IS("cbtmap", 3)) {
		command_cbtmap(argv[2], strtoul(argv[3], NULL, 0), strtoul(argv[4], NULL, 0));
	} else if (IS("cbtmap", 1)) {
		command_cbtmap(argv[2], 0, block_count(argv[2]));
	} else if (IS("cbtdirty", 1)) {
		uint32_t count;
		void *ranges = parse_ranges(argv + 3, &count);

		must(command, filter_cbtdirty(device_at(argv[2]), ranges, count));
	} else if (IS("add", 2)) {
		parse_uuid(argv[3], id);
		must(command, filter_add(device_at(argv[2]), id));
	} else if (IS("tidy", 0)) {
		command_tidy();
	} else if (IS("info", 1)) {
		command_info(argv[2]);
	} else {
		usage();
	}
	return 0;
}
