// SPDX-License-Identifier: GPL-2.0
/*
 * I/O that must not block. A write with RWF_NOWAIT that would have to copy is
 * answered EAGAIN and leaves the device alone; one that has not is done. The
 * same file over io_uring, which repeats such a write where it may block.
 *
 *   nowait eagain DEVICE SECTOR     a chunk not copied yet
 *   nowait passes DEVICE SECTOR     one already copied, or no snapshot
 *   nowait again DEVICE COUNT       COUNT writes, each to a chunk not copied yet, tried until they pass
 *   nowait uring DEVICE COUNT       COUNT writes, 16 at a time, and what is then read
 */
#include <inttypes.h>
#include <linux/io_uring.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "calls.h"
#include "sectors.h"

#define UNIT 8 /* sectors a write */
#define DEPTH 16
#define TRIES 200

static int device;

static int write_nowait(uint64_t sector, uint64_t sequence)
{
	char *buffer = aligned(UNIT * SECTOR);
	struct iovec vector = { buffer, UNIT * SECTOR };
	ssize_t moved;
	int i, error;

	for (i = 0; i < UNIT; i++)
		sector_fill(buffer + i * SECTOR, sector + i, sequence, 0);
	moved = pwritev2(device, &vector, 1, sector * SECTOR, RWF_NOWAIT);
	error = moved < 0 ? errno : 0;
	if (!error && moved != UNIT * SECTOR)
		die("a short write of %zd bytes", moved);
	free(buffer);
	return error;
}

static int64_t sequence_at(uint64_t sector)
{
	char *buffer = aligned(UNIT * SECTOR);
	int64_t sequence;

	if (pread(device, buffer, UNIT * SECTOR, sector * SECTOR) != UNIT * SECTOR)
		die("read: %s", errno_name(errno));
	sequence = sector_sequence(buffer, sector, NULL);
	free(buffer);
	return sequence;
}

struct ring {
	int fd;
	atomic_uint *sq_tail, *cq_head, *cq_tail;
	unsigned int sq_mask, cq_mask, *sq_array;
	struct io_uring_sqe *entries;
	struct io_uring_cqe *completions;
};

static void make_ring(struct ring *ring)
{
	struct io_uring_params params = { 0 };
	char *sq, *cq;

	ring->fd = syscall(SYS_io_uring_setup, DEPTH, &params);
	if (ring->fd < 0) {
		printf("skip: io_uring: %s\n", errno_name(errno));
		exit(77);
	}
	sq = mmap(NULL, params.sq_off.array + params.sq_entries * 4, PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd,
		  IORING_OFF_SQ_RING);
	cq = mmap(NULL, params.cq_off.cqes + params.cq_entries * sizeof(struct io_uring_cqe), PROT_READ | PROT_WRITE,
		  MAP_SHARED, ring->fd, IORING_OFF_CQ_RING);
	ring->entries = mmap(NULL, params.sq_entries * sizeof(struct io_uring_sqe), PROT_READ | PROT_WRITE,
			     MAP_SHARED, ring->fd, IORING_OFF_SQES);
	if (sq == MAP_FAILED || cq == MAP_FAILED || ring->entries == MAP_FAILED)
		die("mmap: %s", errno_name(errno));
	ring->sq_tail = (atomic_uint *)(sq + params.sq_off.tail);
	ring->sq_mask = *(unsigned int *)(sq + params.sq_off.ring_mask);
	ring->sq_array = (unsigned int *)(sq + params.sq_off.array);
	ring->cq_head = (atomic_uint *)(cq + params.cq_off.head);
	ring->cq_tail = (atomic_uint *)(cq + params.cq_off.tail);
	ring->cq_mask = *(unsigned int *)(cq + params.cq_off.ring_mask);
	ring->completions = (struct io_uring_cqe *)(cq + params.cq_off.cqes);
}

static void over_ring(uint64_t count)
{
	char *buffers = aligned(DEPTH * UNIT * SECTOR);
	struct ring ring;
	uint64_t n = 0;
	int i, j;

	make_ring(&ring);
	while (n < count) {
		unsigned int tail = atomic_load(ring.sq_tail), head = atomic_load(ring.cq_head);
		int batch = count - n < DEPTH ? count - n : DEPTH, done = 0;

		for (i = 0; i < batch; i++, tail++) {
			struct io_uring_sqe *entry = &ring.entries[tail & ring.sq_mask];
			char *buffer = buffers + i * UNIT * SECTOR;
			/* Far apart: each write touches a chunk of its own. */
			uint64_t sector = (n + i) * 1024;

			for (j = 0; j < UNIT; j++)
				sector_fill(buffer + j * SECTOR, sector + j, 7, 0);
			memset(entry, 0, sizeof(*entry));
			entry->opcode = IORING_OP_WRITE;
			entry->fd = device;
			entry->addr = (uintptr_t)buffer;
			entry->len = UNIT * SECTOR;
			entry->off = sector * SECTOR;
			ring.sq_array[tail & ring.sq_mask] = tail & ring.sq_mask;
		}
		atomic_store(ring.sq_tail, tail);
		while (done < batch) {
			int entered = syscall(SYS_io_uring_enter, ring.fd, done ? 0 : batch, 1, IORING_ENTER_GETEVENTS, NULL, 0);

			if (entered < 0 && errno != EINTR)
				die("io_uring_enter: %s", errno_name(errno));
			for (; head != atomic_load(ring.cq_tail); head++, done++) {
				int result = ring.completions[head & ring.cq_mask].res;

				if (result != UNIT * SECTOR)
					die("a write over io_uring ended with %d (%s)", result,
					    result < 0 ? errno_name(-result) : "short");
			}
			atomic_store(ring.cq_head, head);
		}
		n += batch;
	}
	for (n = 0; n < count; n++)
		if (sequence_at(n * 1024) != 7)
			die("write %" PRIu64 " is not there", n);
	printf("%" PRIu64 " writes over io_uring\n", count);
}

/* EAGAIN at first, and not for ever: nobody but these writes has the chunks copied. */
static void again(uint64_t count)
{
	unsigned int refused = 0;
	uint64_t n;
	int i, error;

	for (n = 0; n < count; n++) {
		for (i = 0; i < TRIES; i++) {
			error = write_nowait(n * 1024, 97);
			if (error != EAGAIN)
				break;
			refused++;
			usleep(10000);
		}
		if (error)
			die("write %" PRIu64 ", tried %d times: %s", n, i, errno_name(error));
		if (sequence_at(n * 1024) != 97)
			die("write %" PRIu64 " is not there", n);
	}
	if (refused < count)
		die("%" PRIu64 " writes that had to be copied first were refused %u times only", count, refused);
	printf("%" PRIu64 " writes, refused %u times\n", count, refused);
}

int main(int argc, char **argv)
{
	const char *command = argc == 4 ? argv[1] : "";
	uint64_t number = argc == 4 ? strtoull(argv[3], NULL, 0) : 0;
	int i, error = 0;

	if (argc != 4)
		die("usage: nowait eagain|passes|again|uring DEVICE NUMBER");
	device = opened(argv[2], O_RDWR | O_DIRECT);
	if (!strcmp(command, "uring")) {
		over_ring(number);
	} else if (!strcmp(command, "again")) {
		again(number);
	} else if (!strcmp(command, "eagain")) {
		int64_t was = sequence_at(number);

		error = write_nowait(number, 99);
		if (error != EAGAIN)
			die("a write that has to copy first: %s, not EAGAIN", errno_name(error));
		if (sequence_at(number) != was)
			die("the write answered EAGAIN and was done");
	} else {
		/* The queue may be busy for a moment; that is EAGAIN as well. */
		for (i = 0; i < TRIES; i++) {
			error = write_nowait(number, 98);
			if (error != EAGAIN)
				break;
			usleep(10000);
		}
		if (error)
			die("a write that has nothing to copy: %s", errno_name(error));
		if (sequence_at(number) != 98)
			die("the write was acknowledged and not done");
	}
	return 0;
}
