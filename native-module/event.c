// SPDX-License-Identifier: GPL-2.0
#include <linux/jiffies.h>
#include <linux/minmax.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/timekeeping.h>
#include "event.h"

void event_queue_init(struct event_queue *queue)
{
	spin_lock_init(&queue->lock);
	INIT_LIST_HEAD(&queue->events);
	queue->closed = false;
	init_waitqueue_head(&queue->waiters);
}

/* Wakes all waiters; they and all later ones answer ESRCH. */
void event_queue_close(struct event_queue *queue)
{
	unsigned long flags;

	spin_lock_irqsave(&queue->lock, flags);
	queue->closed = true;
	spin_unlock_irqrestore(&queue->lock, flags);
	wake_up_all(&queue->waiters);
}

void event_queue_drop(struct event_queue *queue)
{
	struct event *event, *next;

	list_for_each_entry_safe(event, next, &queue->events, link) {
		list_del_init(&event->link);
		kfree(event);
	}
}

void event_fill(struct event *event, u32 code, const void *body, u32 size)
{
	INIT_LIST_HEAD(&event->link);
	event->code = code;
	event->time_label = ktime_get_ns();
	event->size = min_t(u32, size, EVENT_BODY_MAX);
	memcpy(event->body, body, event->size);
}

void event_post(struct event_queue *queue, struct event *event)
{
	unsigned long flags;

	spin_lock_irqsave(&queue->lock, flags);
	list_add_tail(&event->link, &queue->events);
	spin_unlock_irqrestore(&queue->lock, flags);
	wake_up(&queue->waiters);
}

/* Puts back an event that could not be handed over: it is the oldest again. */
void event_unpost(struct event_queue *queue, struct event *event)
{
	unsigned long flags;

	spin_lock_irqsave(&queue->lock, flags);
	list_add(&event->link, &queue->events);
	spin_unlock_irqrestore(&queue->lock, flags);
	wake_up(&queue->waiters);
}

static bool event_take(struct event_queue *queue, struct event **event)
{
	unsigned long flags;
	bool done;

	spin_lock_irqsave(&queue->lock, flags);
	*event = list_first_entry_or_null(&queue->events, struct event, link);
	if (*event)
		list_del_init(&(*event)->link);
	done = *event || queue->closed;
	spin_unlock_irqrestore(&queue->lock, flags);
	return done;
}

/* The oldest event, or ENOENT, EINTR, ESRCH. */
struct event *event_wait(struct event_queue *queue, u32 timeout_ms)
{
	struct event *event = NULL;
	long left;

	left = wait_event_interruptible_timeout(queue->waiters,
						event_take(queue, &event),
						msecs_to_jiffies(timeout_ms));
	if (event)
		return event;
	if (READ_ONCE(queue->closed))
		return ERR_PTR(-ESRCH);
	if (left < 0)
		return ERR_PTR(-EINTR);
	return ERR_PTR(-ENOENT);
}
