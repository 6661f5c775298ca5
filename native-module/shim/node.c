/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine.h"
#include "memory.h"
#include "node.h"
#include "wire.h"

#define NODE_NAME "blksnap-control"
#define NODE_DIRECTORY "/dev"
#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

/* Kernels before 6.3 do not know it, later ones complain without it. */
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8u
#endif

static const char word[16] = NODE_NAME;

bool node_is_named(int directory, const char *path)
{
	char name[WIRE_MOST];
	struct stat there, dev;
	char *slash;

	if (memory_string(name, path))
		return false;
	slash = strrchr(name, '/');
	if (strcmp(slash ? slash + 1 : name, NODE_NAME))
		return false;
	if (!slash)
		strcpy(name, ".");
	else if (slash == name)
		strcpy(name, "/");
	else
		*slash = 0;
	return !fstatat(directory, name, &there, 0) && !stat(NODE_DIRECTORY, &dev) && there.st_dev == dev.st_dev &&
	       there.st_ino == dev.st_ino;
}

int node_open(int flags)
{
	unsigned int how = MFD_ALLOW_SEALING | (flags & O_CLOEXEC ? MFD_CLOEXEC : 0);
	int fd, error;

	if (flags & O_DIRECTORY)
		return -ENOTDIR;
	if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
		return -EEXIST;
	error = engine_is_there();
	if (error)
		return -error;
	fd = syscall(SYS_memfd_create, NODE_NAME, how | MFD_NOEXEC_SEAL);
	if (fd < 0 && errno == EINVAL)
		fd = syscall(SYS_memfd_create, NODE_NAME, how);
	if (fd < 0)
		return -errno;
	if (syscall(SYS_write, fd, word, sizeof(word)) == sizeof(word) && !syscall(SYS_fcntl, fd, F_ADD_SEALS, SEALS))
		return fd;
	error = errno;
	syscall(SYS_close, fd);
	return -error;
}

bool node_is(int fd)
{
	char found[sizeof(word)];
	long seals = syscall(SYS_fcntl, fd, F_GET_SEALS, 0);

	return seals >= 0 && (seals & SEALS) == SEALS &&
	       syscall(SYS_pread64, fd, found, sizeof(found), 0) == sizeof(found) && !memcmp(found, word, sizeof(word));
}
