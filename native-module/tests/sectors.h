/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A sector that can be told: 64 words of 8 bytes.
 *
 *   0  magic      1  sector number   2  sequence   3  tag (which device or writer)
 *   4  checksum of 1…3               5…63  filler that follows from the checksum
 *
 * A sector of zeroes alone has sequence 0: never written, or discarded.
 */
#ifndef SECTORS_H
#define SECTORS_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define SECTOR 512
#define SECTOR_MAGIC 0x54534b4c42504e53ull
#define SECTOR_WORDS 64

static inline uint64_t mixed(uint64_t x)
{
	x ^= x >> 30;
	x *= 0xbf58476d1ce4e5b9ull;
	x ^= x >> 27;
	x *= 0x94d049bb133111ebull;
	return x ^ (x >> 31);
}

static inline uint64_t sector_checksum(uint64_t number, uint64_t sequence, uint64_t tag)
{
	return mixed(number + mixed(sequence + mixed(tag + SECTOR_MAGIC)));
}

static inline void sector_fill(void *at, uint64_t number, uint64_t sequence, uint64_t tag)
{
	uint64_t *word = at;
	uint64_t sum = sector_checksum(number, sequence, tag);
	int i;

	word[0] = SECTOR_MAGIC;
	word[1] = number;
	word[2] = sequence;
	word[3] = tag;
	for (i = 4; i < SECTOR_WORDS; i++)
		word[i] = sum * (i - 3);
}

enum { SECTOR_TORN = -1, SECTOR_FOREIGN = -2 };

/* Its sequence, or why it is none of ours; *tag where that is asked for. */
static inline int64_t sector_sequence(const void *at, uint64_t number, uint64_t *tag)
{
	const uint64_t *word = at;
	uint64_t sum;
	int i;

	if (tag)
		*tag = word[3];
	if (word[0] != SECTOR_MAGIC) {
		for (i = 0; i < SECTOR_WORDS; i++)
			if (word[i])
				return SECTOR_FOREIGN;
		return 0;
	}
	sum = sector_checksum(word[1], word[2], word[3]);
	for (i = 4; i < SECTOR_WORDS; i++)
		if (word[i] != sum * (i - 3))
			return SECTOR_TORN;
	return word[1] == number ? (int64_t)word[2] : SECTOR_FOREIGN;
}

struct dice {
	uint64_t state;
};

static inline uint64_t roll(struct dice *dice)
{
	return mixed(dice->state += 0x9e3779b97f4a7c15ull);
}

static inline uint64_t below(struct dice *dice, uint64_t bound)
{
	return bound ? roll(dice) % bound : 0;
}

/* Memory for direct I/O. */
static inline void *aligned(size_t bytes)
{
	void *memory = NULL;

	if (posix_memalign(&memory, 4096, bytes ? bytes : 1))
		abort();
	memset(memory, 0, bytes);
	return memory;
}

#endif
