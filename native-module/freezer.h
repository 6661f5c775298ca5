/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BLKSNAP_FREEZER_H
#define BLKSNAP_FREEZER_H

#include <linux/types.h>

struct block_device;

/*
 * freeze_bdev(), or before it the writing back of what is dirty, in a thread of
 * its own, so that it can be left behind.
 */
struct freezer;

int freezer_start(void);
void freezer_stop(void);

struct freezer *freezer_begin(struct block_device *bdev);
struct freezer *freezer_begin_flush(struct block_device *bdev);
bool freezer_wait(struct freezer *freezer, unsigned int timeout_ms);
bool freezer_wait_killable(struct freezer *freezer);
bool freezer_leave(struct freezer *freezer);

/* Ended: */
int freezer_error(const struct freezer *freezer);
void freezer_thaw(struct freezer *freezer);

#endif /* BLKSNAP_FREEZER_H */
