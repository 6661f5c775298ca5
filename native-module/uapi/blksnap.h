/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * The blksnap interface, version 2.0.0.0: the control device's calls and
 * the per-device filter calls. Layouts are natural C alignment on LP64.
 *
 * The direction bits of the control calls do not always tell the truth
 * (version is written by the kernel but encoded _IOW); they are the ABI.
 */
#ifndef _UAPI_BLKSNAP_H
#define _UAPI_BLKSNAP_H

#include <linux/types.h>
#include <linux/ioctl.h>

#define BLKSNAP_CTL			"blksnap-control"
#define BLKSNAP_IMAGE_NAME		"blksnap-image_"
#define BLKSNAP_MODULE_NAME		"blksnap"

#define BLKSNAP_VERSION_MAJOR		2
#define BLKSNAP_VERSION_MINOR		0
#define BLKSNAP_VERSION_REVISION	0
#define BLKSNAP_VERSION_BUILD		0

/* Raw 16 bytes, RFC 4122 order. */
struct blksnap_uuid {
	__u8 b[16];
};

/* Offset and count in 512-byte sectors. */
struct blksnap_sectors {
	__u64 offset;
	__u64 count;
};

/* --- Control device, /dev/blksnap-control, magic 'V' ------------------- */

#define BLKSNAP_IOC_MAGIC		'V'

enum blksnap_control_nr {
	BLKSNAP_NR_VERSION,
	BLKSNAP_NR_SNAPSHOT_CREATE,
	BLKSNAP_NR_SNAPSHOT_DESTROY,
	BLKSNAP_NR_SNAPSHOT_APPEND_STORAGE,
	BLKSNAP_NR_SNAPSHOT_TAKE,
	BLKSNAP_NR_SNAPSHOT_COLLECT,
	BLKSNAP_NR_SNAPSHOT_WAIT_EVENT,
	BLKSNAP_NR_COUNT
};

struct blksnap_version {
	__u16 major;
	__u16 minor;
	__u16 revision;
	__u16 build;
};

/* bdev_path points to bdev_path_size bytes, ranges to count structs. */
struct blksnap_append_storage {
	struct blksnap_uuid id;
	__u64 bdev_path;
	__u32 bdev_path_size;
	__u32 count;
	__u64 ranges;
};

/* ids points to count structs blksnap_uuid, or is 0 to ask for the count. */
struct blksnap_collect {
	__u32 count;
	__u32 pad;
	__u64 ids;
};

#define BLKSNAP_EVENT_DATA_SIZE		4064

/* time_label: nanoseconds of the monotonic clock. */
struct blksnap_event {
	struct blksnap_uuid id;
	__u32 timeout_ms;
	__u32 code;
	__s64 time_label;
	__u8 data[BLKSNAP_EVENT_DATA_SIZE];
};

enum blksnap_event_code {
	BLKSNAP_EVENT_LOW_FREE_SPACE,
	BLKSNAP_EVENT_CORRUPTED,
};

struct blksnap_event_low_free_space {
	__u64 requested_nr_sect;
};

/* err_code is a positive errno. */
struct blksnap_event_corrupted {
	__u32 dev_id_mj;
	__u32 dev_id_mn;
	__s32 err_code;
};

#define BLKSNAP_IOC_VERSION \
	_IOW(BLKSNAP_IOC_MAGIC, BLKSNAP_NR_VERSION, struct blksnap_version)
#define BLKSNAP_IOC_SNAPSHOT_CREATE \
	_IOW(BLKSNAP_IOC_MAGIC, BLKSNAP_NR_SNAPSHOT_CREATE, struct blksnap_uuid)
#define BLKSNAP_IOC_SNAPSHOT_DESTROY \
	_IOR(BLKSNAP_IOC_MAGIC, BLKSNAP_NR_SNAPSHOT_DESTROY, struct blksnap_uuid)
#define BLKSNAP_IOC_SNAPSHOT_APPEND_STORAGE \
	_IOW(BLKSNAP_IOC_MAGIC, BLKSNAP_NR_SNAPSHOT_APPEND_STORAGE, \
	     struct blksnap_append_storage)
#define BLKSNAP_IOC_SNAPSHOT_TAKE \
	_IOR(BLKSNAP_IOC_MAGIC, BLKSNAP_NR_SNAPSHOT_TAKE, struct blksnap_uuid)
#define BLKSNAP_IOC_SNAPSHOT_COLLECT \
	_IOW(BLKSNAP_IOC_MAGIC, BLKSNAP_NR_SNAPSHOT_COLLECT, \
	     struct blksnap_collect)
#define BLKSNAP_IOC_SNAPSHOT_WAIT_EVENT \
	_IOW(BLKSNAP_IOC_MAGIC, BLKSNAP_NR_SNAPSHOT_WAIT_EVENT, \
	     struct blksnap_event)

/* --- Filter calls, on an open block device, magic 0x12 ----------------- */

#define BLKFILTER_IOC_MAGIC		0x12
#define BLKFILTER_NR_ATTACH		140
#define BLKFILTER_NR_DETACH		141
#define BLKFILTER_NR_CTL		142
#define BLKFILTER_NAME_LENGTH		32
#define BLKFILTER_NAME			"blksnap"

struct blkfilter_name {
	__u8 name[BLKFILTER_NAME_LENGTH];
};

/* optlen: in, the size of opt's buffer; out, the bytes written to it. */
struct blkfilter_ctl {
	__u8 name[BLKFILTER_NAME_LENGTH];
	__u32 cmd;
	__u32 optlen;
	__u64 opt;
};

#define BLKFILTER_ATTACH \
	_IOWR(BLKFILTER_IOC_MAGIC, BLKFILTER_NR_ATTACH, struct blkfilter_name)
#define BLKFILTER_DETACH \
	_IOWR(BLKFILTER_IOC_MAGIC, BLKFILTER_NR_DETACH, struct blkfilter_name)
#define BLKFILTER_CTL \
	_IOWR(BLKFILTER_IOC_MAGIC, BLKFILTER_NR_CTL, struct blkfilter_ctl)

enum blkfilter_ctl_cmd {
	BLKFILTER_CTL_CBTINFO,
	BLKFILTER_CTL_CBTMAP,
	BLKFILTER_CTL_CBTDIRTY,
	BLKFILTER_CTL_SNAPSHOTADD,
	BLKFILTER_CTL_SNAPSHOTINFO,
	BLKFILTER_CTL_COUNT
};

/* device_capacity and block_size in bytes. */
struct blksnap_cbtinfo {
	__u64 device_capacity;
	__u32 block_size;
	__u32 block_count;
	struct blksnap_uuid generation_id;
	__u8 changes_number;
	__u8 pad[7];
};

/* Bytes offset to offset + length of the readable map go to buffer. */
struct blksnap_cbtmap {
	__u32 offset;
	__u32 length;
	__u64 buffer;
};

/* dirty_sectors points to count structs blksnap_sectors. */
struct blksnap_cbtdirty {
	__u32 count;
	__u32 pad;
	__u64 dirty_sectors;
};

struct blksnap_snapshotadd {
	struct blksnap_uuid id;
};

#define BLKSNAP_IMAGE_NAME_LENGTH	32

/* error_code: 0 or a negative errno; image: "" before the take. */
struct blksnap_snapshotinfo {
	__s32 error_code;
	__u8 image[BLKSNAP_IMAGE_NAME_LENGTH];
};

#endif /* _UAPI_BLKSNAP_H */
