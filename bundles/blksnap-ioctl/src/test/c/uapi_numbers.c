// SPDX-License-Identifier: Apache-2.0
/* Prints every number of uapi/blksnap.h, a line each, for UapiHeaderTest. */
#include <stddef.h>
#include <stdio.h>

#include "blksnap.h"

#define VALUE(name) printf("value %s %llu\n", #name, (unsigned long long)(name))
#define STRUCT(type) printf("struct %s %zu\n", #type, sizeof(struct type))
#define FIELD(type, field) \
	printf("field %s.%s %zu %zu\n", #type, #field, offsetof(struct type, field), sizeof(((struct type *)0)->field))

int main(void)
{
	VALUE(BLKSNAP_IOC_VERSION);
	VALUE(BLKSNAP_IOC_SNAPSHOT_CREATE);
	VALUE(BLKSNAP_IOC_SNAPSHOT_DESTROY);
	VALUE(BLKSNAP_IOC_SNAPSHOT_APPEND_STORAGE);
	VALUE(BLKSNAP_IOC_SNAPSHOT_TAKE);
	VALUE(BLKSNAP_IOC_SNAPSHOT_COLLECT);
	VALUE(BLKSNAP_IOC_SNAPSHOT_WAIT_EVENT);
	VALUE(BLKSNAP_NR_VERSION);
	VALUE(BLKSNAP_NR_SNAPSHOT_CREATE);
	VALUE(BLKSNAP_NR_SNAPSHOT_DESTROY);
	VALUE(BLKSNAP_NR_SNAPSHOT_APPEND_STORAGE);
	VALUE(BLKSNAP_NR_SNAPSHOT_TAKE);
	VALUE(BLKSNAP_NR_SNAPSHOT_COLLECT);
	VALUE(BLKSNAP_NR_SNAPSHOT_WAIT_EVENT);
	VALUE(BLKSNAP_IOC_MAGIC);
	VALUE(BLKFILTER_IOC_MAGIC);
	VALUE(BLKFILTER_NR_ATTACH);
	VALUE(BLKFILTER_NR_DETACH);
	VALUE(BLKFILTER_NR_CTL);
	VALUE(BLKFILTER_ATTACH);
	VALUE(BLKFILTER_DETACH);
	VALUE(BLKFILTER_CTL);
	VALUE(BLKFILTER_CTL_CBTINFO);
	VALUE(BLKFILTER_CTL_CBTMAP);
	VALUE(BLKFILTER_CTL_CBTDIRTY);
	VALUE(BLKFILTER_CTL_SNAPSHOTADD);
	VALUE(BLKFILTER_CTL_SNAPSHOTINFO);
	VALUE(BLKSNAP_EVENT_LOW_FREE_SPACE);
	VALUE(BLKSNAP_EVENT_CORRUPTED);
	printf("text BLKFILTER_NAME %s\n", BLKFILTER_NAME);
	printf("text BLKSNAP_CTL %s\n", BLKSNAP_CTL);
	STRUCT(blksnap_version);
	FIELD(blksnap_version, major);
	FIELD(blksnap_version, minor);
	FIELD(blksnap_version, revision);
	FIELD(blksnap_version, build);
	STRUCT(blksnap_uuid);
	FIELD(blksnap_uuid, b);
	STRUCT(blksnap_append_storage);
	FIELD(blksnap_append_storage, id);
	FIELD(blksnap_append_storage, bdev_path);
	FIELD(blksnap_append_storage, bdev_path_size);
	FIELD(blksnap_append_storage, count);
	FIELD(blksnap_append_storage, ranges);
	STRUCT(blksnap_sectors);
	FIELD(blksnap_sectors, offset);
	FIELD(blksnap_sectors, count);
	STRUCT(blksnap_collect);
	FIELD(blksnap_collect, count);
	FIELD(blksnap_collect, ids);
	STRUCT(blksnap_event);
	FIELD(blksnap_event, id);
	FIELD(blksnap_event, timeout_ms);
	FIELD(blksnap_event, code);
	FIELD(blksnap_event, time_label);
	FIELD(blksnap_event, data);
	STRUCT(blksnap_event_low_free_space);
	FIELD(blksnap_event_low_free_space, requested_nr_sect);
	STRUCT(blksnap_event_corrupted);
	FIELD(blksnap_event_corrupted, dev_id_mj);
	FIELD(blksnap_event_corrupted, dev_id_mn);
	FIELD(blksnap_event_corrupted, err_code);
	STRUCT(blkfilter_name);
	FIELD(blkfilter_name, name);
	STRUCT(blkfilter_ctl);
	FIELD(blkfilter_ctl, name);
	FIELD(blkfilter_ctl, cmd);
	FIELD(blkfilter_ctl, optlen);
	FIELD(blkfilter_ctl, opt);
	STRUCT(blksnap_cbtinfo);
	FIELD(blksnap_cbtinfo, device_capacity);
	FIELD(blksnap_cbtinfo, block_size);
	FIELD(blksnap_cbtinfo, block_count);
	FIELD(blksnap_cbtinfo, generation_id);
	FIELD(blksnap_cbtinfo, changes_number);
	STRUCT(blksnap_cbtmap);
	FIELD(blksnap_cbtmap, offset);
	FIELD(blksnap_cbtmap, length);
	FIELD(blksnap_cbtmap, buffer);
	STRUCT(blksnap_cbtdirty);
	FIELD(blksnap_cbtdirty, count);
	FIELD(blksnap_cbtdirty, dirty_sectors);
	STRUCT(blksnap_snapshotadd);
	FIELD(blksnap_snapshotadd, id);
	STRUCT(blksnap_snapshotinfo);
	FIELD(blksnap_snapshotinfo, error_code);
	FIELD(blksnap_snapshotinfo, image);
	return 0;
}
