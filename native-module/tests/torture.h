/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A disk under torture, and what is looked at of it.
 */
#ifndef TORTURE_H
#define TORTURE_H

#include <stdatomic.h>

#include "calls.h"
#include "sectors.h"

#define LONGEST 256 /* sectors a request */
#define ZEROING(sequence) ((sequence) % 16 == 7)

struct disk {
	const char *path;
	int fd;
	uint64_t sectors, region, unit;
	atomic_uint *issued, *done; /* per sector of the region; only its writer writes them */
	uint32_t *low, *high; /* copies around a take */
	uint64_t *view, *taken, *backup; /* what the image holds, held at the take; the backup before */
	uint32_t block_size;
	unsigned int number;
	int has_backup;
};

extern uint64_t seed;

uint64_t sector_of(const struct disk *disk, uint64_t place);

/* A range of places that is one range of sectors. */
void choose(const struct disk *disk, struct dice *dice, uint64_t from, uint64_t to, uint64_t *place, uint64_t *count);

void move_all(int fd, int write, char *buffer, uint64_t sector, uint64_t count, const char *what);

/* Reads the whole region of an image; first: the view is made, else compared. */
void read_image(struct disk *disk, int image, int first, const char *when);

/* Reads or writes somewhere, by the dice; what is written carries the sequence. */
void use_image(struct disk *disk, int image, struct dice *dice, uint32_t *sequence);

/* The backup before, with every changed block taken from this image, must be this image. */
void check_map(struct disk *disk);

#endif /* TORTURE_H */
