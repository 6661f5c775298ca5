/* SPDX-License-Identifier: Apache-2.0 */
/* What is opened, what a descriptor is, and memory that is not there. */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "probe.h"

int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);
int __openat_2(int directory, const char *path, int flags);
int __openat64_2(int directory, const char *path, int flags);

static void the_node_is_opened_by_every_open(void)
{
	int dev = open("/dev", O_RDONLY | O_DIRECTORY);
	int fds[] = {
		open(NODE, O_RDWR),
		open64(NODE, O_RDONLY),
		openat(AT_FDCWD, NODE, O_RDWR),
		openat(dev, "blksnap-control", O_RDWR),
		openat64(dev, "./blksnap-control", O_RDWR),
		openat64(dev, NODE, O_RDWR),
		__open_2(NODE, O_RDWR),
		__open64_2(NODE, O_RDWR),
		__openat_2(AT_FDCWD, NODE, O_RDWR),
		__openat64_2(dev, "blksnap-control", O_RDWR),
		open("//dev/./../dev/blksnap-control", O_RDWR),
	};

	for (unsigned int i = 0; i < sizeof(fds) / sizeof(*fds); i++)
		MUST(version_is_there(fds[i]));
	MUST(!chdir("/dev") && version_is_there(open("blksnap-control", O_RDWR)));
	FAILS(open(NODE, O_RDONLY | O_DIRECTORY), ENOTDIR);
	FAILS(open(NODE, O_RDWR | O_CREAT | O_EXCL, 0600), EEXIST);
	MUST(fcntl(open(NODE, O_RDWR | O_CLOEXEC), F_GETFD) == FD_CLOEXEC);
	MUST(fcntl(open(NODE, O_RDWR), F_GETFD) == 0);
}

static void other_files_are_left_alone(void)
{
	char name[] = "/var/tmp/blksnap-shim.XXXXXX";
	char word[8] = "1234567";
	struct stat about;
	int fd, other;

	FAILS(open("/proc/blksnap-control", O_RDWR), ENOENT);
	FAILS(open("/dev/blksnap-control2", O_RDWR), ENOENT);
	FAILS(open("/no-such-directory/blksnap-control", O_RDWR), ENOENT);
	FAILS(openat(-1, "blksnap-control", O_RDWR), EBADF);
	FAILS(open((char *)16, O_RDONLY), EFAULT);
	FAILS(open(edge() - 3, O_RDONLY), ENOENT);
	memset(edge() - 3, 'x', 3);
	fd = open("/dev/null", O_RDWR);
	FAILS(ioctl(fd, VERSION, word), ENOTTY);
	FAILS(ioctl(fd, ATTACH, word), ENOTTY);
	FAILS(ioctl(-1, VERSION, word), EBADF);
	MUST(mkdtemp(name) && !chdir(name));
	umask(0);
	fd = open("blksnap-control", O_RDWR | O_CREAT, 0640);
	MUST(fd >= 0 && !fstat(fd, &about) && (about.st_mode & 07777) == 0640);
	FAILS(ioctl(fd, VERSION, word), ENOTTY);
	other = memfd_create("blksnap-control", MFD_ALLOW_SEALING);
	MUST(write(other, "another program", 16) == 16);
	MUST(!fcntl(other, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE));
	FAILS(ioctl(other, VERSION, word), ENOTTY);
	MUST(!unlink("blksnap-control") && !chdir("/") && !rmdir(name));
	MUST(!strcmp(word, "1234567"));
}

static void every_call_is_told_by_its_number(void)
{
	int fd = node();
	uint16_t version[4] = { 0 };

	MUST(!ioctl(fd, 0xffff5600, version) && version[0] == 2);
	FAILS(ioctl(fd, 0x40085607, version), ENOTTY);
	errno = 77;
	MUST(version_is_there(fd) && errno == 77);
}

static void bad_memory_is_a_fault(void)
{
	char *end = edge();
	uint64_t *read_only = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = node();

	FAILS(ioctl(fd, VERSION, NULL), EFAULT);
	FAILS(ioctl(fd, VERSION, (void *)0x10000), EFAULT);
	FAILS(ioctl(fd, VERSION, (void *)-65536l), EFAULT);
	FAILS(ioctl(fd, VERSION, (void *)(1l << 62)), EFAULT);
	FAILS(ioctl(fd, VERSION, end - 7), EFAULT);
	FAILS(ioctl(fd, VERSION, end), EFAULT);
	FAILS(ioctl(fd, VERSION, read_only), EFAULT);
	MUST(!ioctl(fd, VERSION, end - 8));
	FAILS(ioctl(fd, TAKE, end - 15), EFAULT);
	MUST(!ioctl(fd, TAKE, end - 16));
	MUST(!ioctl(fd, VERSION, end - 4096 - 4));
	FAILS(open(end - 1, O_RDONLY), ENOENT);
	*(end - 1) = 'x';
	FAILS(open(end - 1, O_RDONLY), EFAULT);
}

/* A sandbox that does not let the program copy from itself. */
static void a_sandbox_does_not_matter(void)
{
	struct sock_filter rules[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_process_vm_readv, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_process_vm_writev, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(rules) / sizeof(*rules), rules };

	MUST(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) && !prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program));
	FAILS(syscall(SYS_process_vm_readv, getpid(), NULL, 0, NULL, 0, 0), EPERM);
	bad_memory_is_a_fault();
	other_files_are_left_alone();
}

/* 32 MiB of ranges; the engine looks at each. */
static void a_great_array_arrives_whole(void)
{
	uint32_t count = 2u << 20;
	uint64_t *ranges = malloc(16ull * count);
	char file[] = "/var/tmp/blksnap-shim.XXXXXX";
	char option[16], call[48] = "blksnap";
	int fd = mkstemp(file);

	for (uint32_t i = 0; i < count; i++) {
		ranges[2 * i] = i;
		ranges[2 * i + 1] = ~i;
	}
	memcpy(option, &count, 4);
	memcpy(option + 8, &ranges, 8);
	*(uint32_t *)(call + 32) = CTL_CBTDIRTY;
	*(uint32_t *)(call + 36) = sizeof(option);
	*(void **)(call + 40) = option;
	MUST(fd >= 0 && !unlink(file));
	MUST(!ioctl(fd, CTL, call));
	ranges[count] ^= 1;
	FAILS(ioctl(fd, CTL, call), EINVAL);
}

const struct probe probe_files[] = {
	{ "the_node_is_opened_by_every_open", the_node_is_opened_by_every_open },
	{ "other_files_are_left_alone", other_files_are_left_alone },
	{ "every_call_is_told_by_its_number", every_call_is_told_by_its_number },
	{ "bad_memory_is_a_fault", bad_memory_is_a_fault },
	{ "a_sandbox_does_not_matter", a_sandbox_does_not_matter },
	{ "a_great_array_arrives_whole", a_great_array_arrives_whole },
	{ 0 },
};
