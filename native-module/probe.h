/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BLKSNAP_PROBE_H
#define BLKSNAP_PROBE_H

#include <linux/bio.h>
#include <linux/init.h>

/*
 * Writes of our own to a disk of our own, by each way that leads to the hook:
 * whether they come by there is seen, not believed.
 */
void probe_end(struct bio *bio);

static __always_inline bool probe_is(const struct bio *bio)
{
	return bio->bi_end_io == probe_end;
}

/* The hook tells that a probe came by. */
void probe_seen(void);

/* ENXIO: a write went to the disk and was not seen, or did not arrive. */
int __init probe_run(void);

#endif /* BLKSNAP_PROBE_H */
