/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel copies: from and to this very process, as if it were another one.
 * Where that call is forbidden (a sandbox), it goes through a pipe, which holds
 * WIRE_MOST bytes and more.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "memory.h"
#include "wire.h"

#define PAGE 4096u

static long self_copy(long call, void *near, uint64_t far, size_t size)
{
	/* A page each: what lies before a page that is missing is copied. */
	size_t first = PAGE - far % PAGE;
	struct iovec local = { near, size };
	struct iovec remote[2] = { { (void *)(uintptr_t)far, first < size ? first : size },
				   { (void *)(uintptr_t)(far + first), first < size ? size - first : 0 } };

	return syscall(call, syscall(SYS_getpid), &local, 1, remote, first < size ? 2 : 1, 0);
}

static int is_forbidden(long done)
{
	return done < 0 && (errno == EPERM || errno == ENOSYS || errno == EACCES);
}

/* Bytes copied from one address to the other, which need not be good ones. */
static long pipe_copy(uint64_t to, uint64_t from, size_t size)
{
	long put, got = -1;
	int ends[2];

	if (syscall(SYS_pipe2, ends, O_CLOEXEC | O_NONBLOCK))
		return -1;
	put = syscall(SYS_write, ends[1], from, size);
	if (put > 0)
		got = syscall(SYS_read, ends[0], to, put);
	syscall(SYS_close, ends[0]);
	syscall(SYS_close, ends[1]);
	return got;
}

static long copied_in(void *to, uint64_t from, size_t size)
{
	long done = self_copy(SYS_process_vm_readv, to, from, size);

	return is_forbidden(done) ? pipe_copy((uintptr_t)to, from, size) : done;
}

int memory_read(void *to, uint64_t from, size_t size)
{
	return copied_in(to, from, size) == (long)size ? 0 : EFAULT;
}

int memory_write(uint64_t to, const void *from, size_t size)
{
	long done = self_copy(SYS_process_vm_writev, (void *)from, to, size);

	if (is_forbidden(done))
		done = pipe_copy(to, (uintptr_t)from, size);
	return done == (long)size ? 0 : EFAULT;
}

int memory_string(char *to, const char *from)
{
	size_t have = 0;

	while (have < WIRE_MOST) {
		uint64_t next = (uintptr_t)from + have;
		size_t part = PAGE - next % PAGE;

		if (part > WIRE_MOST - have)
			part = WIRE_MOST - have;
		if (memory_read(to + have, next, part))
			return EFAULT;
		if (memchr(to + have, 0, part))
			return 0;
		have += part;
	}
	return ENAMETOOLONG;
}
