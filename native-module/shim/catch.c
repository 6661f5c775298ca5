/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The functions that are caught: every open that may open the control node, and
 * ioctl. All else of a descriptor's life is the kernel's.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "calls.h"
#include "engine.h"
#include "node.h"

#define CAUGHT __attribute__((visibility("default")))

static struct {
	int (*open)(const char *path, int flags, ...);
	int (*open64)(const char *path, int flags, ...);
	int (*openat)(int directory, const char *path, int flags, ...);
	int (*openat64)(int directory, const char *path, int flags, ...);
	int (*open_2)(const char *path, int flags);
	int (*open64_2)(const char *path, int flags);
	int (*openat_2)(int directory, const char *path, int flags);
	int (*openat64_2)(int directory, const char *path, int flags);
	int (*ioctl)(int fd, unsigned long request, ...);
} next;

__attribute__((constructor)) static void look_up(void)
{
	next.open = dlsym(RTLD_NEXT, "open");
	next.open64 = dlsym(RTLD_NEXT, "open64");
	next.openat = dlsym(RTLD_NEXT, "openat");
	next.openat64 = dlsym(RTLD_NEXT, "openat64");
	next.open_2 = dlsym(RTLD_NEXT, "__open_2");
	next.open64_2 = dlsym(RTLD_NEXT, "__open64_2");
	next.openat_2 = dlsym(RTLD_NEXT, "__openat_2");
	next.openat64_2 = dlsym(RTLD_NEXT, "__openat64_2");
	next.ioctl = dlsym(RTLD_NEXT, "ioctl");
}

/* Constructors of other libraries may come before ours. */
#define NEXT(name) (next.name ? next.name : (look_up(), next.name))

static int answered(int result)
{
	if (result >= 0)
		return result;
	errno = -result;
	return -1;
}

static bool is_node(int directory, const char *path, int flags)
{
	int saved = errno;
	bool named = !(flags & O_PATH) && node_is_named(directory, path);

	errno = saved;
	return named;
}

/* The mode is there where a file may be made, and only there. */
#define MODE_OF(mode, flags, last)                                     \
	do {                                                           \
		if ((flags) & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY))) { \
			va_list list;                                  \
			va_start(list, last);                          \
			mode = va_arg(list, mode_t);                   \
			va_end(list);                                  \
		}                                                      \
	} while (0)

CAUGHT int open(const char *path, int flags, ...)
{
	mode_t mode = 0;

	MODE_OF(mode, flags, flags);
	return is_node(AT_FDCWD, path, flags) ? answered(node_open(flags)) : NEXT(open)(path, flags, mode);
}

CAUGHT int open64(const char *path, int flags, ...)
{
	mode_t mode = 0;

	MODE_OF(mode, flags, flags);
	return is_node(AT_FDCWD, path, flags) ? answered(node_open(flags)) : NEXT(open64)(path, flags, mode);
}

CAUGHT int openat(int directory, const char *path, int flags, ...)
{
	mode_t mode = 0;

	MODE_OF(mode, flags, flags);
	return is_node(directory, path, flags) ? answered(node_open(flags)) :
						 NEXT(openat)(directory, path, flags, mode);
}

CAUGHT int openat64(int directory, const char *path, int flags, ...)
{
	mode_t mode = 0;

	MODE_OF(mode, flags, flags);
	return is_node(directory, path, flags) ? answered(node_open(flags)) :
						 NEXT(openat64)(directory, path, flags, mode);
}

/* What the compiler makes of the above where it checks their arguments. */
CAUGHT int __open_2(const char *path, int flags)
{
	return is_node(AT_FDCWD, path, flags) ? answered(node_open(flags)) : NEXT(open_2)(path, flags);
}

CAUGHT int __open64_2(const char *path, int flags)
{
	return is_node(AT_FDCWD, path, flags) ? answered(node_open(flags)) : NEXT(open64_2)(path, flags);
}

CAUGHT int __openat_2(int directory, const char *path, int flags)
{
	return is_node(directory, path, flags) ? answered(node_open(flags)) : NEXT(openat_2)(directory, path, flags);
}

CAUGHT int __openat64_2(int directory, const char *path, int flags)
{
	return is_node(directory, path, flags) ? answered(node_open(flags)) :
						 NEXT(openat64_2)(directory, path, flags);
}

/* What a filter call is made on; false: nothing that has a filter. */
static bool is_device(int fd, struct wire_call *target)
{
	struct stat about;

	if (fstat(fd, &about))
		return false;
	if (S_ISBLK(about.st_mode)) {
		target->kind = WIRE_BLOCK_DEVICE;
		target->major = major(about.st_rdev);
		target->minor = minor(about.st_rdev);
		return true;
	}
	target->kind = WIRE_FILE;
	target->device = about.st_dev;
	target->inode = about.st_ino;
	return S_ISREG(about.st_mode);
}

CAUGHT int ioctl(int fd, unsigned long request, ...)
{
	struct wire_call target = { 0 };
	unsigned int word = request;
	int saved = errno;
	va_list list;
	void *argument;

	va_start(list, request);
	argument = va_arg(list, void *);
	va_end(list);
	if (!calls_is_general(word) && node_is(fd)) {
		errno = saved;
		return answered(-engine_call(&target, -1, word, (uintptr_t)argument));
	}
	if (calls_is_filter(word) && is_device(fd, &target)) {
		errno = saved;
		return answered(-engine_call(&target, fd, word, (uintptr_t)argument));
	}
	errno = saved;
	return NEXT(ioctl)(fd, request, argument);
}
