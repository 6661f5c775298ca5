/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals: all are held back while a call is under way, but for the moments it
 * sleeps. So one that comes at any time after the call began ends a wait for an
 * event with EINTR, as in the kernel, and a signal that ends the program does so
 * at once. From the moment an event has been put into the program's memory the
 * wait is not interrupted: the event would be lost.
 *
 * An engine that goes: as long as it has asked for nothing it has done nothing,
 * and the call is made again. A call that changes nothing, or whose second time
 * changes nothing more, is made again at any time; a wait ends with EINTR, for
 * the program to ask again. What is left is ECONNRESET: it may or may not have
 * been carried out. No engine for the whole patience is ESHUTDOWN.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "calls.h"
#include "engine.h"
#include "memory.h"

/* Between two looks for an engine. */
#define LOOK_NS 20000000

/* Bytes of a signal set as the kernel has it. */
#define KERNEL_SET 8

static char socket_path[WIRE_MOST] = ENGINE_SOCKET;
static long patience_ms = ENGINE_PATIENCE;

/* A call under way. */
struct call {
	int fd;
	sigset_t before;	/* the program's own mask */
	bool interruptible;
	bool interrupted;	/* while it was not interruptible */
	bool begun;		/* the engine has asked for something */
	char buffer[sizeof(struct wire_call) + WIRE_MOST];
};

__attribute__((constructor)) static void engine_settings(void)
{
	const char *path = secure_getenv("BLKSNAP_SOCKET");
	const char *patience = secure_getenv("BLKSNAP_PATIENCE");
	char *end;
	long given;

	if (path && *path && strlen(path) < sizeof(socket_path))
		strcpy(socket_path, path);
	if (patience && *patience) {
		given = strtol(patience, &end, 10);
		if (!*end && given >= 0)
			patience_ms = given;
	}
}

static long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Sleeps until the socket is ready, or for a look's time without one; 0, or EINTR. */
static int call_sleep(struct call *call, int fd, short events)
{
	struct timespec look = { 0, LOOK_NS };
	struct pollfd ready = { fd, events, 0 };
	long done;

	do {
		done = syscall(SYS_ppoll, &ready, fd < 0 ? 0 : 1, fd < 0 ? &look : NULL, &call->before, KERNEL_SET);
		if (done >= 0 || errno != EINTR)
			return 0;
		call->interrupted = true;
	} while (!call->interruptible);
	return EINTR;
}

/* The address; a directory that is opened for one too long is the caller's to close. */
static socklen_t engine_address(struct sockaddr_un *address, int *directory)
{
	const char *name = strrchr(socket_path, '/');

	*directory = -1;
	memset(address, 0, sizeof(*address));
	address->sun_family = AF_UNIX;
	if (strlen(socket_path) < sizeof(address->sun_path) || !name) {
		strncpy(address->sun_path, socket_path, sizeof(address->sun_path) - 1);
	} else {
		char parent[WIRE_MOST];

		memcpy(parent, socket_path, name - socket_path);
		parent[name - socket_path] = 0;
		*directory = syscall(SYS_openat, AT_FDCWD, parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
		snprintf(address->sun_path, sizeof(address->sun_path), "/proc/self/fd/%d%s", *directory, name);
	}
	return sizeof(*address);
}

/* A connection, or -errno. */
static int engine_connect(void)
{
	struct sockaddr_un address;
	socklen_t size;
	int fd, directory, error;

	fd = syscall(SYS_socket, AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	size = engine_address(&address, &directory);
	error = syscall(SYS_connect, fd, &address, size) ? errno : 0;
	if (directory >= 0)
		syscall(SYS_close, directory);
	if (!error)
		return fd;
	syscall(SYS_close, fd);
	return -error;
}

int engine_is_there(void)
{
	int saved = errno;
	int fd = engine_connect();

	if (fd >= 0)
		syscall(SYS_close, fd);
	errno = saved;
	if (fd >= 0 || fd == -EAGAIN)
		return 0;
	return fd == -ECONNREFUSED || fd == -ENOTDIR ? ENOENT : -fd;
}

/* 0, EINTR, ESHUTDOWN, or why it cannot be. */
static int call_connect(struct call *call, long end)
{
	for (;;) {
		int error;

		call->fd = engine_connect();
		if (call->fd >= 0)
			return 0;
		error = -call->fd;
		if (error != ENOENT && error != ECONNREFUSED && error != EAGAIN && error != ENOTDIR)
			return error;
		if (now_ms() >= end)
			return ESHUTDOWN;
		if (call_sleep(call, -1, 0))
			return EINTR;
	}
}

/* Both: 0, EINTR, or ECONNRESET where the engine has gone. */
static int call_send(struct call *call, const void *from, size_t size)
{
	const char *next = from;

	while (size) {
		long done = syscall(SYS_sendto, call->fd, next, size, MSG_NOSIGNAL, NULL, 0);

		if (done < 0 && errno != EAGAIN)
			return ECONNRESET;
		if (done < 0 && call_sleep(call, call->fd, POLLOUT))
			return EINTR;
		if (done > 0) {
			next += done;
			size -= done;
		}
	}
	return 0;
}

static int call_receive(struct call *call, void *to, size_t size)
{
	char *next = to;

	while (size) {
		long done = syscall(SYS_recvfrom, call->fd, next, size, 0, NULL, NULL);

		if (!done || (done < 0 && errno != EAGAIN))
			return ECONNRESET;
		if (done < 0 && call_sleep(call, call->fd, POLLIN))
			return EINTR;
		if (done > 0) {
			next += done;
			size -= done;
		}
	}
	return 0;
}

/* The call, and the path behind it. */
static int call_begin(struct call *call, const struct wire_call *target, int fd)
{
	char *path = call->buffer + sizeof(*target);
	struct wire_call given = *target;
	char link[40];
	long length;

	if (fd < 0) {
		length = syscall(SYS_getcwd, path, WIRE_MOST) - 1;
	} else {
		snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		length = syscall(SYS_readlinkat, AT_FDCWD, link, path, WIRE_MOST);
	}
	given.path_length = length > 0 ? length : 0;
	memcpy(call->buffer, &given, sizeof(given));
	return call_send(call, call->buffer, sizeof(given) + given.path_length);
}

/* Gives or takes memory; a whole frame is never interrupted. */
static int call_serve(struct call *call, const struct wire_frame *frame)
{
	uint32_t status;
	char *bytes = call->buffer + sizeof(status);
	int error = 0;

	if (!frame->value || frame->value > WIRE_MOST)
		return ECONNRESET;
	call->interruptible = false;
	if (frame->kind == WIRE_WRITE) {
		error = call_receive(call, bytes, frame->value);
		status = error ? 0 : memory_write(frame->address, bytes, frame->value);
	} else {
		status = memory_read(bytes, frame->address, frame->value);
	}
	if (error)
		return error;
	memcpy(call->buffer, &status, sizeof(status));
	return call_send(call, call->buffer,
			 sizeof(status) + (frame->kind == WIRE_READ && !status ? frame->value : 0));
}

/* Until the result, which may be an error of the connection as well. */
static int call_converse(struct call *call, bool waits, bool *answered)
{
	struct wire_frame frame;
	int error;

	for (;;) {
		if (call->interruptible && call->interrupted)
			return EINTR;
		error = call_receive(call, &frame, sizeof(frame));
		if (error)
			return error;
		switch (frame.kind) {
		case WIRE_RESULT:
			*answered = true;
			return frame.value;
		case WIRE_WAITING:
			call->interruptible = waits;
			break;
		case WIRE_READ:
		case WIRE_WRITE:
			call->begun = true;
			error = call_serve(call, &frame);
			if (error)
				return error;
			/* What was read tells whom to wait for; what was written must not be lost. */
			if (frame.kind == WIRE_READ)
				call->interruptible = waits;
			break;
		default:
			return ECONNRESET;
		}
	}
}

/* One connection's worth. */
static int call_once(struct call *call, const struct wire_call *target, int fd, bool waits, bool *answered, long end)
{
	int error;

	call->interruptible = waits;
	call->interrupted = false;
	call->begun = false;
	error = call_connect(call, end);
	if (error) {
		*answered = true;
		return error;
	}
	error = call_begin(call, target, fd);
	/* One that was turned away is told why, and may not have taken the call. */
	if (!error || error == ECONNRESET)
		error = call_converse(call, waits, answered);
	/* A child may have the descriptor as well: the engine is to see the end all the same. */
	syscall(SYS_shutdown, call->fd, SHUT_RDWR);
	syscall(SYS_close, call->fd);
	return error;
}

static int call_until_answered(struct call *call, const struct wire_call *target, int fd)
{
	bool waits = calls_waits(target);
	long end = now_ms() + patience_ms;
	bool answered = false;

	for (;;) {
		int error = call_once(call, target, fd, waits, &answered, end);

		if (answered || error == EINTR)
			return error;
		if (waits)
			return EINTR;
		if (call->begun && !calls_may_be_repeated(target))
			return ECONNRESET;
		if (now_ms() >= end)
			return ESHUTDOWN;
		call_sleep(call, -1, 0);
	}
}

int engine_call(struct wire_call *target, int fd, unsigned int word, uint64_t argument)
{
	struct call call;
	int saved = errno;
	sigset_t held;
	int result;

	target->magic = WIRE_MAGIC;
	target->version = WIRE_VERSION;
	target->word = word;
	target->argument = argument;
	sigfillset(&held);
	/* Those that a fault of the processor sends end the program in any case. */
	sigdelset(&held, SIGSEGV);
	sigdelset(&held, SIGBUS);
	sigdelset(&held, SIGILL);
	sigdelset(&held, SIGFPE);
	sigdelset(&held, SIGTRAP);
	pthread_sigmask(SIG_BLOCK, &held, &call.before);
	result = call_until_answered(&call, target, fd);
	pthread_sigmask(SIG_SETMASK, &call.before, NULL);
	errno = saved;
	return result;
}
