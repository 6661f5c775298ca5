/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The calls of wire.h as functions: 0 or a positive errno. Opened files are
 * kept by the caller.
 */
#ifndef CALLS_H
#define CALLS_H

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "wire.h"

static inline const char *errno_name(int number)
{
	const char *name = number ? strerrorname_np(number) : "0";

	return name ? name : "unknown errno";
}

__attribute__((noreturn, format(printf, 1, 2))) static inline void die(const char *format, ...)
{
	va_list list;

	va_start(list, format);
	vfprintf(stderr, format, list);
	va_end(list);
	fputc('\n', stderr);
	exit(1);
}

static inline int opened(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC);

	if (fd < 0)
		die("open %s: %s", path, errno_name(errno));
	return fd;
}

static inline int called(int fd, unsigned long call, void *argument)
{
	return ioctl(fd, call, argument) < 0 ? errno : 0;
}

static inline int control_fd(void)
{
	static int fd = -1;

	if (fd < 0)
		fd = opened(CONTROL_NODE, O_RDWR);
	return fd;
}

static inline int snap_create(uint8_t *id)
{
	return called(control_fd(), CALL_CREATE, id);
}

static inline int snap_destroy(uint8_t *id)
{
	return called(control_fd(), CALL_DESTROY, id);
}

static inline int snap_take(uint8_t *id)
{
	return called(control_fd(), CALL_TAKE, id);
}

static inline int snap_append(const uint8_t *id, const char *path, const void *ranges, uint32_t count)
{
	char argument[SIZE_APPEND] = { 0 };

	memcpy(argument, id, SIZE_UUID);
	put_pointer(argument, 16, path);
	put32(argument, 24, strlen(path));
	put32(argument, 28, count);
	put_pointer(argument, 32, ranges);
	return called(control_fd(), CALL_APPEND, argument);
}

static inline int snap_append_one(const uint8_t *id, const char *path, uint64_t offset, uint64_t count)
{
	char range[16];

	put64(range, 0, offset);
	put64(range, 8, count);
	return snap_append(id, path, range, 1);
}

/* event: SIZE_EVENT bytes. */
static inline int snap_wait(const uint8_t *id, uint32_t timeout_ms, void *event)
{
	memset(event, 0, SIZE_EVENT);
	memcpy(event, id, SIZE_UUID);
	put32(event, 16, timeout_ms);
	return called(control_fd(), CALL_WAIT, event);
}

static inline int filter_attach(int device)
{
	char name[SIZE_FILTER_NAME] = "blksnap";

	return called(device, CALL_ATTACH, name);
}

static inline int filter_detach(int device)
{
	char name[SIZE_FILTER_NAME] = "blksnap";

	return called(device, CALL_DETACH, name);
}

static inline int filter_ctl(int device, uint32_t command, void *option, uint32_t *length)
{
	char argument[SIZE_CTL] = "blksnap";
	int result;

	put32(argument, 32, command);
	put32(argument, 36, *length);
	put_pointer(argument, 40, option);
	result = called(device, CALL_CTL, argument);
	*length = get32(argument, 36);
	return result;
}

static inline int filter_cbtinfo(int device, void *info)
{
	uint32_t length = SIZE_CBTINFO;

	return filter_ctl(device, CTL_CBTINFO, info, &length);
}

static inline int filter_cbtmap(int device, uint32_t offset, uint32_t count, void *map)
{
	char argument[SIZE_CBTMAP] = { 0 };
	uint32_t length = sizeof(argument);

	put32(argument, 0, offset);
	put32(argument, 4, count);
	put_pointer(argument, 8, map);
	return filter_ctl(device, CTL_CBTMAP, argument, &length);
}

static inline int filter_cbtdirty(int device, const void *ranges, uint32_t count)
{
	char argument[SIZE_CBTDIRTY] = { 0 };
	uint32_t length = sizeof(argument);

	put32(argument, 0, count);
	put_pointer(argument, 8, ranges);
	return filter_ctl(device, CTL_CBTDIRTY, argument, &length);
}

static inline int filter_add(int device, uint8_t *id)
{
	uint32_t length = SIZE_UUID;

	return filter_ctl(device, CTL_SNAPSHOTADD, id, &length);
}

/* info: SIZE_SNAPSHOTINFO bytes. */
static inline int filter_info(int device, void *info)
{
	uint32_t length = SIZE_SNAPSHOTINFO;

	return filter_ctl(device, CTL_SNAPSHOTINFO, info, &length);
}

/* Opens the image of a device that is in a taken snapshot; waits for its node. */
static inline int opened_image(int device, int flags)
{
	char info[SIZE_SNAPSHOTINFO + 1] = { 0 };
	char path[80];
	int error = filter_info(device, info);
	int i, fd;

	if (error || !info[4])
		die("no image: snapshotinfo %s, name '%s'", errno_name(error), info + 4);
	snprintf(path, sizeof(path), "/dev/%s", info + 4);
	for (i = 0; i < 500; i++) {
		fd = open(path, flags | O_CLOEXEC);
		if (fd >= 0)
			return fd;
		usleep(10000);
	}
	die("open %s: %s", path, errno_name(errno));
}

#endif
