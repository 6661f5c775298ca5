/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BLKSNAP_TAKE_H
#define BLKSNAP_TAKE_H

struct list_head;

int take_moment(struct list_head *members);

#endif /* BLKSNAP_TAKE_H */
