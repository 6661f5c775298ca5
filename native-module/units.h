/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BLKSNAP_UNITS_H
#define BLKSNAP_UNITS_H

#include <linux/bitops.h>
#include <linux/minmax.h>
#include <linux/types.h>

/*
 * What is copied at a time: units, each a power of two of pages, a bit for
 * each in a word.
 */
#define UNITS_MAX	64

/* The length of the run of bits that begins at unit. */
static inline unsigned int units_run(u64 units, unsigned int unit)
{
	u64 run = units >> unit;

	return ~run ? __ffs64(~run) : UNITS_MAX;
}

/* The page of count where a unit begins; count for those beyond the end. */
static inline unsigned int units_page(unsigned int unit, unsigned int shift,
				      unsigned int count)
{
	return min(unit << shift, count);
}

#endif /* BLKSNAP_UNITS_H */
