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
#include <sys/mman.h>
#include <time.h>

#include "contract.h"

static int failures, checks;
const char *path1, *storage_path;
int device1, device2;
char *page_end;
void *const nowhere = (void *)(uintptr_t)0x10000;
uint8_t unknown[SIZE_UUID] = "no such snapshot";

void expect(const char *what, int got, int want)
{
	checks++;
	if (want == ANY ? got : got == want)
		return;
	failures++;
	fprintf(stderr, "%s: answered %s, expected %s\n", what, errno_name(got), want == ANY ? "a refusal" : errno_name(want));
}

void expect_that(const char *what, int holds)
{
	checks++;
	if (holds)
		return;
	failures++;
	fprintf(stderr, "%s: is not so\n", what);
}

void expect_number(const char *what, int64_t got, int64_t want)
{
	checks++;
	if (got == want)
		return;
	failures++;
	fprintf(stderr, "%s: is %" PRId64 ", expected %" PRId64 "\n", what, got, want);
}

uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ull + now.tv_nsec / 1000000;
}

int control(unsigned long call, void *argument)
{
	return called(control_fd(), call, argument);
}

uint32_t snapshots(void)
{
	char argument[SIZE_COLLECT] = { 0 };

	expect("collect without array", control(CALL_COLLECT, argument), 0);
	return get32(argument, 0);
}

uint64_t sectors_of(const char *path)
{
	uint64_t bytes = 0;
	int fd = opened(path, O_RDONLY);

	if (ioctl(fd, BLKGETSIZE64, &bytes))
		die("size: %s", errno_name(errno));
	close(fd);
	return bytes / 512;
}

void bad_pointers(const char *what, int fd, unsigned long call, size_t size)
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
	device1 = opened(path1, O_RDWR);
	device2 = opened(argv[3], O_RDWR);
	storage_path = argv[4];
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
