/* SPDX-License-Identifier: GPL-2.0 */
/*
 * All that depends on the kernel's version, and nothing else. The module is
 * written for linux 6.1 of Debian 12, and for 6.12 of its backports; another
 * version wants its differences told here first.
 */
#ifndef BLKSNAP_COMPAT_H
#define BLKSNAP_COMPAT_H

#include <linux/version.h>
#include <linux/bio.h>
#include <linux/blkdev.h>
#include <linux/err.h>
#include <linux/ftrace.h>
#include <linux/shrinker.h>
#include <linux/slab.h>
#include <asm/nops.h>
#include <asm/text-patching.h>

#define COMPAT_SERIES		(LINUX_VERSION_CODE >> 8)
#define COMPAT_SERIES_6_1	(KERNEL_VERSION(6, 1, 0) >> 8)
#define COMPAT_SERIES_6_12	(KERNEL_VERSION(6, 12, 0) >> 8)

#if COMPAT_SERIES != COMPAT_SERIES_6_1 && COMPAT_SERIES != COMPAT_SERIES_6_12
#error "blksnap is written for linux 6.1 and 6.12; build it with such a kernel's headers"
#endif

#ifndef CONFIG_HAVE_DYNAMIC_FTRACE_WITH_ARGS
#error "blksnap needs a kernel with CONFIG_HAVE_DYNAMIC_FTRACE_WITH_ARGS"
#endif

#if !defined(CONFIG_X86_64)
#error "blksnap knows the calling convention of x86-64 only"
#endif

/*
 * Whether the originals can be called behind the place where ftrace takes
 * over. With indirect branch tracking such a call traps, and so does one of the
 * very entry, unless the function is one that the kernel calls by a pointer:
 * then exported functions are called, and the hooks know our calls.
 */
#ifndef CONFIG_X86_KERNEL_IBT
#define COMPAT_CALLS_BODY	1
#endif

/* The first two arguments of the function that ftrace stopped at. */
#if COMPAT_SERIES == COMPAT_SERIES_6_1
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

static __always_inline void compat_ftrace_go_to(struct ftrace_regs *fregs,
						unsigned long target)
{
	ftrace_instruction_pointer_set(fregs, target);
}
#else
static __always_inline unsigned long
compat_ftrace_arg0(const struct ftrace_regs *fregs)
{
	return arch_ftrace_regs(fregs)->regs.di;
}

static __always_inline unsigned long
compat_ftrace_arg1(const struct ftrace_regs *fregs)
{
	return arch_ftrace_regs(fregs)->regs.si;
}

static __always_inline void compat_ftrace_go_to(struct ftrace_regs *fregs,
						unsigned long target)
{
	ftrace_regs_set_instruction_pointer(fregs, target);
}
#endif

/* Whether ftrace's ip is the entry of a function, after a landing pad or not */
static __always_inline bool compat_ftrace_is_at(unsigned long ip,
						unsigned long function)
{
	return ip - function < 8;
}

#ifdef COMPAT_CALLS_BODY
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

static __always_inline bool compat_bio_is_ours(const struct bio *bio)
{
	return false;
}

static __always_inline void compat_bio_not_ours(struct bio *bio)
{
}
#else
/* A bio that goes down by us, until it comes by the hook: no flag of theirs. */
#define COMPAT_BIO_OURS		15

static __always_inline bool compat_bio_is_ours(const struct bio *bio)
{
	BUILD_BUG_ON(BIO_FLAG_LAST > COMPAT_BIO_OURS);
	return bio->bi_flags & BIT(COMPAT_BIO_OURS);
}

static __always_inline void compat_bio_not_ours(struct bio *bio)
{
	bio->bi_flags &= ~BIT(COMPAT_BIO_OURS);
}
#endif

/* Up to 6.2 pages can be written past submit_bio, by bdev_write_page(). */
#if COMPAT_SERIES == COMPAT_SERIES_6_1
#define COMPAT_HAS_BDEV_WRITE_PAGE	1
#endif

/* An open block device. bdev is NULL when it is not. */
struct compat_bdev {
	struct block_device *bdev;
#if COMPAT_SERIES == COMPAT_SERIES_6_1
	fmode_t mode;
#else
	struct file *file;
#endif
};

#if COMPAT_SERIES == COMPAT_SERIES_6_1
static inline int compat_bdev_opened(struct compat_bdev *to,
				     struct block_device *bdev, fmode_t mode)
{
	if (IS_ERR(bdev))
		return PTR_ERR(bdev);
	to->bdev = bdev;
	to->mode = mode;
	return 0;
}

static inline int compat_bdev_open(struct compat_bdev *to, dev_t dev)
{
	return compat_bdev_opened(to, blkdev_get_by_dev(dev, FMODE_READ, NULL),
				  FMODE_READ);
}

/* Also for writing. */
static inline int compat_bdev_open_path(struct compat_bdev *to,
					const char *path)
{
	const fmode_t mode = FMODE_READ | FMODE_WRITE;

	return compat_bdev_opened(to, blkdev_get_by_path(path, mode, NULL),
				  mode);
}

static inline void compat_bdev_close(struct compat_bdev *opened)
{
	if (opened->bdev)
		blkdev_put(opened->bdev, opened->mode);
	opened->bdev = NULL;
}

static inline struct inode *compat_bdev_inode(struct block_device *bdev)
{
	return bdev->bd_inode;
}

static inline unsigned int compat_bdev_partno(struct block_device *bdev)
{
	return bdev->bd_partno;
}

#define compat_bdev_flush	fsync_bdev
#define compat_bdev_freeze	freeze_bdev
#define compat_bdev_thaw	thaw_bdev
#else
static inline int compat_bdev_opened(struct compat_bdev *to, struct file *file)
{
	if (IS_ERR(file))
		return PTR_ERR(file);
	to->file = file;
	to->bdev = file_bdev(file);
	return 0;
}

static inline int compat_bdev_open(struct compat_bdev *to, dev_t dev)
{
	return compat_bdev_opened(to, bdev_file_open_by_dev(dev, BLK_OPEN_READ,
							    NULL, NULL));
}

/* Also for writing. */
static inline int compat_bdev_open_path(struct compat_bdev *to,
					const char *path)
{
	const blk_mode_t mode = BLK_OPEN_READ | BLK_OPEN_WRITE;

	return compat_bdev_opened(to, bdev_file_open_by_path(path, mode, NULL,
							     NULL));
}

static inline void compat_bdev_close(struct compat_bdev *opened)
{
	if (opened->bdev)
		bdev_fput(opened->file);
	opened->bdev = NULL;
}

static inline struct inode *compat_bdev_inode(struct block_device *bdev)
{
	return bdev->bd_mapping->host;
}

static inline unsigned int compat_bdev_partno(struct block_device *bdev)
{
	return bdev_partno(bdev);
}

/* The holder lets go of the lock itself. */
static inline int compat_bdev_flush(struct block_device *bdev)
{
	mutex_lock(&bdev->bd_holder_lock);
	if (bdev->bd_holder_ops && bdev->bd_holder_ops->sync) {
		bdev->bd_holder_ops->sync(bdev);
		return 0;
	}
	mutex_unlock(&bdev->bd_holder_lock);
	return sync_blockdev(bdev);
}

#define compat_bdev_freeze	bdev_freeze
#define compat_bdev_thaw	bdev_thaw
#endif

/* A bio-based disk with the limits of another one. NULL: no memory. */
#if COMPAT_SERIES == COMPAT_SERIES_6_1
static inline struct gendisk *compat_disk_alloc(struct block_device *like)
{
	struct gendisk *disk = blk_alloc_disk(NUMA_NO_NODE);
	struct request_queue *queue;

	if (!disk || !like)
		return disk;
	queue = disk->queue;
	blk_queue_logical_block_size(queue, bdev_logical_block_size(like));
	blk_queue_physical_block_size(queue, bdev_physical_block_size(like));
	blk_queue_io_min(queue, bdev_io_min(like));
	blk_queue_flag_set(QUEUE_FLAG_NONROT, queue);
	blk_queue_flag_clear(QUEUE_FLAG_ADD_RANDOM, queue);
	return disk;
}
#else
static inline struct gendisk *compat_disk_alloc(struct block_device *like)
{
	struct queue_limits limits = { 0 };
	struct gendisk *disk;

	if (like) {
		limits.logical_block_size = bdev_logical_block_size(like);
		limits.physical_block_size = bdev_physical_block_size(like);
		limits.io_min = bdev_io_min(like);
	}
	disk = blk_alloc_disk(&limits, NUMA_NO_NODE);
	if (IS_ERR(disk))
		return NULL;
	/* add_disk() does that, and not every disk is added. */
	atomic_or(BD_HAS_SUBMIT_BIO, &disk->part0->__bd_flags);
	return disk;
}
#endif

/* A shrinker with these two calls, at work. NULL: no memory. */
static inline struct shrinker *
compat_shrinker_make(const char *name,
		     unsigned long (*count)(struct shrinker *shrinker,
					    struct shrink_control *control),
		     unsigned long (*scan)(struct shrinker *shrinker,
					   struct shrink_control *control))
{
#if COMPAT_SERIES == COMPAT_SERIES_6_1
	struct shrinker *shrinker = kzalloc(sizeof(*shrinker), GFP_KERNEL);

	if (!shrinker)
		return NULL;
	shrinker->count_objects = count;
	shrinker->scan_objects = scan;
	shrinker->seeks = DEFAULT_SEEKS;
	if (!register_shrinker(shrinker, "%s", name))
		return shrinker;
	kfree(shrinker);
	return NULL;
#else
	struct shrinker *shrinker = shrinker_alloc(0, "%s", name);

	if (!shrinker)
		return NULL;
	shrinker->count_objects = count;
	shrinker->scan_objects = scan;
	shrinker_register(shrinker);
	return shrinker;
#endif
}

static inline void compat_shrinker_drop(struct shrinker *shrinker)
{
#if COMPAT_SERIES == COMPAT_SERIES_6_1
	unregister_shrinker(shrinker);
	kfree(shrinker);
#else
	shrinker_free(shrinker);
#endif
}

#endif /* BLKSNAP_COMPAT_H */
