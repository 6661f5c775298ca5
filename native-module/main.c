// SPDX-License-Identifier: GPL-2.0
/*
 * blksnap: snapshots and changed-block tracking of block devices in use, on a
 * stock kernel. The README tells how it is built, loaded and used.
 *
 * Order of locks, the outer first; those on one line never meet:
 *
 *   snapshot->lock
 *     snapshots_lock, filters_mutex, cbt->lock
 *       space->lock, chunk->lock (irq-safe)
 *         storage->queue_lock, pools_lock, events->lock, filter->lock
 *           pool->lock
 *
 * filters_mutex may be taken with a disk's open_mutex held (device_del()), so
 * no device is opened or frozen under it. cbt->lock is taken while writes are
 * held, so nothing is allocated and no user memory is touched under it.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include "chunk.h"
#include "control.h"
#include "diff_buffer.h"
#include "filter.h"
#include "freezer.h"
#include "hook.h"
#include "image.h"
#include "params.h"
#include "passage.h"
#include "snapshot_list.h"
#include "transfer.h"
#include "uapi/blksnap.h"

static int __init blksnap_start(void)
{
	int ret;

	ret = transfer_engine_start();
	if (ret)
		return ret;
	ret = diff_buffer_engine_start();
	if (ret)
		goto no_buffer_engine;
	ret = chunk_engine_start();
	if (ret)
		goto no_chunk_engine;
	ret = image_engine_start();
	if (ret)
		goto no_image_engine;
	ret = freezer_start();
	if (ret)
		goto no_freezer;
	ret = passage_start();
	if (ret)
		goto no_passage;
	ret = filter_start();
	if (ret)
		goto no_filter;
	ret = hook_start();
	if (ret)
		goto no_hook;
	ret = control_start();
	if (ret)
		goto no_control;
	pr_info("version %d.%d.%d.%d\n", BLKSNAP_VERSION_MAJOR,
		BLKSNAP_VERSION_MINOR, BLKSNAP_VERSION_REVISION,
		BLKSNAP_VERSION_BUILD);
	params_log();
	return 0;

no_control:
	hook_stop();
no_hook:
	filter_stop();
no_filter:
	passage_stop();
no_passage:
	freezer_stop();
no_freezer:
	image_engine_stop();
no_image_engine:
	chunk_engine_stop();
no_chunk_engine:
	diff_buffer_engine_stop();
no_buffer_engine:
	transfer_engine_stop();
	return ret;
}

/* Each filter and each snapshot holds the module: none is left here. */
static void __exit blksnap_stop(void)
{
	control_stop();
	snapshot_list_destroy_all();
	hook_stop();
	filter_stop();
	passage_stop();
	freezer_stop();
	image_engine_stop();
	chunk_engine_stop();
	diff_buffer_engine_stop();
	transfer_engine_stop();
}

module_init(blksnap_start);
module_exit(blksnap_stop);

MODULE_DESCRIPTION("Snapshots and changed-block tracking of block devices");
MODULE_VERSION("2.0.0.0");
MODULE_AUTHOR("blksnap for OSGi");
MODULE_LICENSE("GPL");
