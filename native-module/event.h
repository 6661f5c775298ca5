/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BLKSNAP_EVENT_H
#define BLKSNAP_EVENT_H

#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>

#define EVENT_BODY_MAX	16

/* An event; made by its poster, freed by whoever took it or by the queue. */
struct event {
	struct list_head link;
	u32 code;
	s64 time_label;
	u32 size;
	u8 body[EVENT_BODY_MAX];
};

/*
 * The events of one snapshot, oldest first. Its length is bounded by what
 * posts: one corrupted event a device, one low-space event a portion given.
 */
struct event_queue {
	spinlock_t lock;	/* events, closed; a leaf, irq-safe */
	struct list_head events;
	bool closed;
	wait_queue_head_t waiters;
};

void event_queue_init(struct event_queue *queue);
void event_queue_close(struct event_queue *queue);
void event_queue_drop(struct event_queue *queue);

void event_fill(struct event *event, u32 code, const void *body, u32 size);
void event_post(struct event_queue *queue, struct event *event);
void event_unpost(struct event_queue *queue, struct event *event);
struct event *event_wait(struct event_queue *queue, u32 timeout_ms);

#endif /* BLKSNAP_EVENT_H */
