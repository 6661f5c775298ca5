// SPDX-License-Identifier: GPL-2.0
/* The module's own header against the numbers of wire.h; a slip does not compile. */
#include <stddef.h>
#include <stdint.h>

#include "blksnap.h"
#include "wire.h"

#define SAME(a, b) _Static_assert((a) == (b), #a " is not " #b)
#define FIELD(type, field, offset, bytes) \
	SAME(offsetof(struct type, field), offset); \
	SAME(sizeof(((struct type *)0)->field), bytes)

SAME(BLKSNAP_IOC_VERSION, CALL_VERSION);
SAME(BLKSNAP_IOC_SNAPSHOT_CREATE, CALL_CREATE);
SAME(BLKSNAP_IOC_SNAPSHOT_DESTROY, CALL_DESTROY);
SAME(BLKSNAP_IOC_SNAPSHOT_APPEND_STORAGE, CALL_APPEND);
SAME(BLKSNAP_IOC_SNAPSHOT_TAKE, CALL_TAKE);
SAME(BLKSNAP_IOC_SNAPSHOT_COLLECT, CALL_COLLECT);
SAME(BLKSNAP_IOC_SNAPSHOT_WAIT_EVENT, CALL_WAIT);
SAME(BLKFILTER_ATTACH, CALL_ATTACH);
SAME(BLKFILTER_DETACH, CALL_DETACH);
SAME(BLKFILTER_CTL, CALL_CTL);
SAME(BLKFILTER_CTL_CBTINFO, CTL_CBTINFO);
SAME(BLKFILTER_CTL_CBTMAP, CTL_CBTMAP);
SAME(BLKFILTER_CTL_CBTDIRTY, CTL_CBTDIRTY);
SAME(BLKFILTER_CTL_SNAPSHOTADD, CTL_SNAPSHOTADD);
SAME(BLKFILTER_CTL_SNAPSHOTINFO, CTL_SNAPSHOTINFO);
SAME(BLKSNAP_EVENT_LOW_FREE_SPACE, EVENT_LOW_FREE_SPACE);
SAME(BLKSNAP_EVENT_CORRUPTED, EVENT_CORRUPTED);

SAME(sizeof(struct blksnap_version), SIZE_VERSION);
SAME(sizeof(struct blksnap_uuid), SIZE_UUID);
SAME(sizeof(struct blksnap_sectors), 16);
FIELD(blksnap_sectors, offset, 0, 8);
FIELD(blksnap_sectors, count, 8, 8);
SAME(sizeof(struct blksnap_append_storage), SIZE_APPEND);
FIELD(blksnap_append_storage, id, 0, 16);
FIELD(blksnap_append_storage, bdev_path, 16, 8);
FIELD(blksnap_append_storage, bdev_path_size, 24, 4);
FIELD(blksnap_append_storage, count, 28, 4);
FIELD(blksnap_append_storage, ranges, 32, 8);
SAME(sizeof(struct blksnap_collect), SIZE_COLLECT);
FIELD(blksnap_collect, count, 0, 4);
FIELD(blksnap_collect, ids, 8, 8);
SAME(sizeof(struct blksnap_event), SIZE_EVENT);
FIELD(blksnap_event, id, 0, 16);
FIELD(blksnap_event, timeout_ms, 16, 4);
FIELD(blksnap_event, code, 20, 4);
FIELD(blksnap_event, time_label, 24, 8);
FIELD(blksnap_event, data, 32, 4064);
FIELD(blksnap_event_low_free_space, requested_nr_sect, 0, 8);
FIELD(blksnap_event_corrupted, dev_id_mj, 0, 4);
FIELD(blksnap_event_corrupted, dev_id_mn, 4, 4);
FIELD(blksnap_event_corrupted, err_code, 8, 4);
SAME(sizeof(struct blkfilter_name), SIZE_FILTER_NAME);
SAME(sizeof(struct blkfilter_ctl), SIZE_CTL);
FIELD(blkfilter_ctl, name, 0, 32);
FIELD(blkfilter_ctl, cmd, 32, 4);
FIELD(blkfilter_ctl, optlen, 36, 4);
FIELD(blkfilter_ctl, opt, 40, 8);
SAME(sizeof(struct blksnap_cbtinfo), SIZE_CBTINFO);
FIELD(blksnap_cbtinfo, device_capacity, 0, 8);
FIELD(blksnap_cbtinfo, block_size, 8, 4);
FIELD(blksnap_cbtinfo, block_count, 12, 4);
FIELD(blksnap_cbtinfo, generation_id, 16, 16);
FIELD(blksnap_cbtinfo, changes_number, 32, 1);
SAME(sizeof(struct blksnap_cbtmap), SIZE_CBTMAP);
FIELD(blksnap_cbtmap, offset, 0, 4);
FIELD(blksnap_cbtmap, length, 4, 4);
FIELD(blksnap_cbtmap, buffer, 8, 8);
SAME(sizeof(struct blksnap_cbtdirty), SIZE_CBTDIRTY);
FIELD(blksnap_cbtdirty, count, 0, 4);
FIELD(blksnap_cbtdirty, dirty_sectors, 8, 8);
SAME(sizeof(struct blksnap_snapshotadd), SIZE_UUID);
SAME(sizeof(struct blksnap_snapshotinfo), SIZE_SNAPSHOTINFO);
FIELD(blksnap_snapshotinfo, error_code, 0, 4);
FIELD(blksnap_snapshotinfo, image, 4, 32);

int main(void)
{
	return 0;
}
