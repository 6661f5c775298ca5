/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BLKSNAP_FILTER_CALLS_H
#define BLKSNAP_FILTER_CALLS_H

#include <linux/fs.h>
#include <linux/ioctl.h>
#include "uapi/blksnap.h"

/* Told by magic and number alone; the rest of the word is not looked at. */
static __always_inline bool filter_call_is_ours(unsigned int cmd)
{
	return _IOC_TYPE(cmd) == BLKFILTER_IOC_MAGIC &&
	       _IOC_NR(cmd) >= BLKFILTER_NR_ATTACH &&
	       _IOC_NR(cmd) <= BLKFILTER_NR_CTL;
}

long filter_call(struct file *file, unsigned int cmd, void __user *arg);

#endif /* BLKSNAP_FILTER_CALLS_H */
