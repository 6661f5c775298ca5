// SPDX-License-Identifier: Apache-2.0
/*
 * The calls that stand between a program and the C library. Those without a 64 in their name have one
 * here, for a program may use either. JNA asks dlsym for the C library's own functions, past every
 * preloaded one; so dlsym answers with ours for the names that stand here.
 */
#define _GNU_SOURCE
#include "verdict.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "rules.h"

typedef void *dlsym_type(void *, const char *);

static dlsym_type *true_dlsym(void)
{
	static dlsym_type *found;

	if (found == NULL)
		found = (dlsym_type *)dlvsym(RTLD_NEXT, "dlsym", "GLIBC_2.2.5");
	if (found == NULL)
		found = (dlsym_type *)dlvsym(RTLD_NEXT, "dlsym", "GLIBC_2.34");
	if (found == NULL)
		found = (dlsym_type *)dlvsym(RTLD_NEXT, "dlsym", "GLIBC_2.17");
	return found;
}

void *next_symbol(const char *name)
{
	void *found = true_dlsym()(RTLD_NEXT, name);

	if (found == NULL) {
		dprintf(2, "faults: nothing behind %s\n", name);
		_exit(98);
	}
	return found;
}

/* The real function of the same name and type, looked up once. */
#define NEXT(name)                                                   \
	({                                                               \
		static __typeof__(&name) next_;                              \
		if (next_ == NULL)                                           \
			next_ = (__typeof__(&name))next_symbol(#name);           \
		next_;                                                       \
	})

/* A call that moves bytes: whole where no rule meets it, else as much as the verdict allows. */
#define MOVES(name, operation, result, arguments, wanted, offset, whole, part)  \
	result name arguments                                                       \
	{                                                                           \
		struct verdict verdict;                                                 \
		size_t asked = (wanted);                                                \
		if (!judge(fd, operation, asked, offset, &verdict))                     \
			return NEXT(name) whole;                                            \
		return conclude(&verdict, asked, verdict.length == 0 ? 0 : NEXT(name) part); \
	}

MOVES(read, OP_READ, ssize_t, (int fd, void *to, size_t size), size, -1, (fd, to, size), (fd, to, verdict.length))
MOVES(write, OP_WRITE, ssize_t, (int fd, const void *from, size_t size), size, -1, (fd, from, size), (fd, from, verdict.length))
MOVES(pread, OP_READ, ssize_t, (int fd, void *to, size_t size, off_t at), size, at, (fd, to, size, at), (fd, to, verdict.length, at))
MOVES(pread64, OP_READ, ssize_t, (int fd, void *to, size_t size, off64_t at), size, at, (fd, to, size, at), (fd, to, verdict.length, at))
MOVES(pwrite, OP_WRITE, ssize_t, (int fd, const void *from, size_t size, off_t at), size, at, (fd, from, size, at), (fd, from, verdict.length, at))
MOVES(pwrite64, OP_WRITE, ssize_t, (int fd, const void *from, size_t size, off64_t at), size, at, (fd, from, size, at), (fd, from, verdict.length, at))
MOVES(copy_file_range, OP_WRITE, ssize_t, (int in, off64_t *from, int fd, off64_t *to, size_t size, unsigned int flags), size,
	to != NULL ? *to : -1, (in, from, fd, to, size, flags), (in, from, fd, to, verdict.length, flags))

static size_t total(const struct iovec *vector, int count)
{
	size_t sum = 0;

	for (int i = 0; i < count; i++)
		sum += vector[i].iov_len;
	return sum;
}

/* The vector up to length bytes; returns how many elements that is. At most IOV_MAX are looked at. */
static int cut(struct iovec *to, const struct iovec *vector, int count, size_t length)
{
	int used = 0;

	while (used < count && used < 1024 && length > 0) {
		to[used] = vector[used];
		if (to[used].iov_len > length)
			to[used].iov_len = length;
		length -= to[used++].iov_len;
	}
	return used;
}

/* The same of a vector; tail holds the arguments behind it. */
#define MOVES_VECTOR(name, operation, parameters, offset, tail)                      \
	ssize_t name parameters                                                          \
	{                                                                                \
		struct verdict verdict;                                                      \
		struct iovec some[1024];                                                     \
		size_t asked = total(vector, count);                                         \
		if (!judge(fd, operation, asked, offset, &verdict))                          \
			return NEXT(name)(fd, vector, count tail);                               \
		if (verdict.length == 0)                                                     \
			return conclude(&verdict, asked, 0);                                     \
		int used = cut(some, vector, count, verdict.length);                         \
		return conclude(&verdict, asked, NEXT(name)(fd, some, used tail));           \
	}
#define AT , at

MOVES_VECTOR(readv, OP_READ, (int fd, const struct iovec *vector, int count), -1, )
MOVES_VECTOR(writev, OP_WRITE, (int fd, const struct iovec *vector, int count), -1, )
MOVES_VECTOR(preadv, OP_READ, (int fd, const struct iovec *vector, int count, off_t at), at, AT)
MOVES_VECTOR(preadv64, OP_READ, (int fd, const struct iovec *vector, int count, off64_t at), at, AT)
MOVES_VECTOR(pwritev, OP_WRITE, (int fd, const struct iovec *vector, int count, off_t at), at, AT)
MOVES_VECTOR(pwritev64, OP_WRITE, (int fd, const struct iovec *vector, int count, off64_t at), at, AT)

/* A call that is made whole or not at all; it returns 0 where it goes well. */
#define WHOLE(name, operation, parameters, wanted, offset, arguments)                  \
	int name parameters                                                                \
	{                                                                                  \
		struct verdict verdict;                                                        \
		if (!judge(fd, operation, wanted, offset, &verdict))                           \
			return NEXT(name) arguments;                                               \
		int done = verdict.length == 0 ? 0 : NEXT(name) arguments;                     \
		return done < 0 ? done : (int)conclude(&verdict, 0, 0);                        \
	}

WHOLE(fsync, OP_SYNC, (int fd), 1, -1, (fd))
WHOLE(fdatasync, OP_SYNC, (int fd), 1, -1, (fd))
WHOLE(sync_file_range, OP_SYNC, (int fd, off64_t at, off64_t size, unsigned int flags), 1, -1, (fd, at, size, flags))
WHOLE(fallocate, OP_ALLOCATE, (int fd, int mode, off_t at, off_t size), (size_t)size, at, (fd, mode, at, size))
WHOLE(fallocate64, OP_ALLOCATE, (int fd, int mode, off64_t at, off64_t size), (size_t)size, at, (fd, mode, at, size))
WHOLE(ftruncate, OP_TRUNCATE, (int fd, off_t size), 1, -1, (fd, size))
WHOLE(ftruncate64, OP_TRUNCATE, (int fd, off64_t size), 1, -1, (fd, size))

/* Discards and zeroes of a block device carry a range; other requests pass. */
int ioctl(int fd, unsigned long request, ...)
{
	va_list rest;
	struct verdict verdict;

	va_start(rest, request);
	void *argument = va_arg(rest, void *);
	va_end(rest);
	if (request != BLKDISCARD && request != BLKZEROOUT && request != BLKSECDISCARD)
		return NEXT(ioctl)(fd, request, argument);
	const uint64_t *range = argument;
	if (!judge(fd, OP_ALLOCATE, range[1], (off_t)range[0], &verdict))
		return NEXT(ioctl)(fd, request, argument);
	int done = verdict.length == 0 ? 0 : NEXT(ioctl)(fd, request, argument);
	return done < 0 ? done : (int)conclude(&verdict, 0, 0);
}

static int opened(int fd)
{
	forget(fd);
	return fd;
}

#define OPENS(name, parameters, directory, before)                                  \
	int name parameters                                                             \
	{                                                                               \
		struct verdict verdict;                                                     \
		va_list rest;                                                               \
		va_start(rest, flags);                                                      \
		mode_t mode = (flags & (O_CREAT | __O_TMPFILE)) != 0 ? va_arg(rest, mode_t) : 0; \
		va_end(rest);                                                               \
		if (judge_open(directory, path, flags, &verdict) && verdict.error != 0)     \
			return (int)conclude(&verdict, 1, 0);                                   \
		return opened(NEXT(name) before);                                           \
	}

OPENS(open, (const char *path, int flags, ...), AT_FDCWD, (path, flags, mode))
OPENS(open64, (const char *path, int flags, ...), AT_FDCWD, (path, flags, mode))
OPENS(openat, (int directory, const char *path, int flags, ...), directory, (directory, path, flags, mode))
OPENS(openat64, (int directory, const char *path, int flags, ...), directory, (directory, path, flags, mode))

/* What is written through a mapping is seen by nobody; the mapping itself may be slow or fail. */
#define MAPS(name, offset_type)                                                                        \
	void *name(void *where, size_t size, int protection, int flags, int fd, offset_type at)            \
	{                                                                                                  \
		struct verdict verdict;                                                                        \
		if ((flags & MAP_ANONYMOUS) == 0 && judge(fd, OP_MAP, size, at, &verdict) && verdict.error != 0) { \
			conclude(&verdict, 1, 0);                                                                  \
			return MAP_FAILED;                                                                         \
		}                                                                                              \
		return NEXT(name)(where, size, protection, flags, fd, at);                                     \
	}

MAPS(mmap, off_t)
MAPS(mmap64, off64_t)

int close(int fd)
{
	forget(fd);
	return NEXT(close)(fd);
}

int dup(int old)
{
	return opened(NEXT(dup)(old));
}

int dup2(int old, int fd)
{
	forget(fd);
	return opened(NEXT(dup2)(old, fd));
}

int dup3(int old, int fd, int flags)
{
	forget(fd);
	return opened(NEXT(dup3)(old, fd, flags));
}

extern int clock_gettime(clockid_t, struct timespec *);
extern int gettimeofday(struct timeval *restrict, void *restrict);
extern int pthread_cond_timedwait(pthread_cond_t *restrict, pthread_mutex_t *restrict, const struct timespec *restrict);

static const struct ours {
	const char *name;
	void *function;
} ours[] = {
#define OURS(name) {#name, (void *)(name)}
	OURS(read), OURS(write), OURS(pread), OURS(pread64), OURS(pwrite), OURS(pwrite64), OURS(copy_file_range),
	OURS(readv), OURS(writev), OURS(preadv), OURS(preadv64), OURS(pwritev), OURS(pwritev64), OURS(fsync),
	OURS(fdatasync), OURS(sync_file_range), OURS(fallocate), OURS(fallocate64), OURS(ftruncate), OURS(ftruncate64),
	OURS(ioctl), OURS(open), OURS(open64), OURS(openat), OURS(openat64), OURS(mmap), OURS(mmap64), OURS(close),
	OURS(dup), OURS(dup2), OURS(dup3), OURS(clock_gettime), OURS(gettimeofday), OURS(pthread_cond_timedwait),
};

/* Made a jump by the compiler, so that the C library sees who called. */
void *dlsym(void *restrict library, const char *restrict name)
{
	if (library != RTLD_NEXT)
		for (size_t i = 0; i < sizeof(ours) / sizeof(*ours); i++)
			if (strcmp(name, ours[i].name) == 0)
				return ours[i].function;
	return true_dlsym()(library, name);
}
