/* SPDX-License-Identifier: GPL-2.0 */
/*
 * All that depends on the kernel's version, and nothing else. The module is
 * written for linux 6.1 of Debian 12; another version wants its differences
 * told here first.
 */
#ifndef BLKSNAP_COMPAT_H
#define BLKSNAP_COMPAT_H

#include <linux/version.h>
#include <linux/blkdev.h>
#include <linux/ftrace.h>
#include <linux/string.h>
#include <asm/nops.h>
#include <asm/text-patching.h>

#if LINUX_VERSION_CODE >> 8 != KERNEL_VERSION(6, 1, 0) >> 8
#error "blksnap is written for linux 6.1; build it with that kernel's headers"
#endif

#ifndef CONFIG_HAVE_DYNAMIC_FTRACE_WITH_ARGS
#error "blksnap needs a kernel with CONFIG_HAVE_DYNAMIC_FTRACE_WITH_ARGS"
#endif

#if !defined(CONFIG_X86_64)
#error "blksnap knows the calling convention of x86-64 only"
#endif

#ifdef CONFIG_X86_KERNEL_IBT
/* Indirect calls to behind a landing pad, as compat_ftrace_body()'s, trap. */
#error "blksnap does not work with indirect branch tracking, CONFIG_X86_KERNEL_IBT"
#endif

/* The first two arguments of the function that ftrace stopped at. */
static __always_inline unsigned long
compat_ftrace_arg0(const struct ftrace_regs *fregs)
{
	return fregs->regs.di;
}

static __always_inline unsigned long
compat_ftrace_arg1(const struct ftrace_regs *fregs)
{
	return fregs->regs.si;
}

/* Whether ftrace's ip is the entry of a function, after a landing pad or not */
static __always_inline bool compat_ftrace_is_at(unsigned long ip,
						unsigned long function)
{
	return ip - function < 8;
}

/*
 * A function that can be traced begins with a no-op of five bytes, or with a
 * call into ftrace there; after a landing pad or not. What follows is the
 * function as it was compiled: to call that is to call the function untraced.
 * NULL: it begins otherwise.
 */
static inline void *compat_ftrace_body(unsigned long function)
{
	static const u8 nop[MCOUNT_INSN_SIZE] = { BYTES_NOP5 };
	const u8 *site = (const u8 *)function + FTRACE_MCOUNT_MAX_OFFSET;

	if (*site != CALL_INSN_OPCODE && memcmp(site, nop, sizeof(nop)))
		return NULL;
	return (void *)(site + MCOUNT_INSN_SIZE);
}

/* Up to 6.2 pages can be written past submit_bio, by this function. */
#define COMPAT_HAS_BDEV_WRITE_PAGE	1

static inline struct block_device *compat_bdev_open(dev_t dev, fmode_t mode)
{
	return blkdev_get_by_dev(dev, mode, NULL);
}

static inline struct block_device *
compat_bdev_open_path(const char *path, fmode_t mode)
{
	return blkdev_get_by_path(path, mode, NULL);
}

static inline void compat_bdev_close(struct block_device *bdev, fmode_t mode)
{
	blkdev_put(bdev, mode);
}

#endif /* BLKSNAP_COMPAT_H */
