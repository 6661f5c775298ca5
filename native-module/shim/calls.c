/* SPDX-License-Identifier: Apache-2.0 */
#include <linux/fs.h>
#include <sys/ioctl.h>

#include "calls.h"
#include "memory.h"

enum { VERSION, CREATE, DESTROY, APPEND_STORAGE, TAKE, COLLECT, WAIT_EVENT };

#define FILTER_MAGIC 0x12
enum { ATTACH = 140, DETACH, CTL };

/* In the struct of CTL. */
#define COMMAND_OFFSET 32
enum { CBTINFO, CBTMAP, CBTDIRTY, SNAPSHOTADD, SNAPSHOTINFO };

bool calls_is_filter(unsigned int word)
{
	return _IOC_TYPE(word) == FILTER_MAGIC && _IOC_NR(word) >= ATTACH && _IOC_NR(word) <= CTL;
}

bool calls_is_general(unsigned int word)
{
	switch (word) {
	case FIOCLEX:
	case FIONCLEX:
	case FIONBIO:
	case FIOASYNC:
	case FIGETBSZ:
		return true;
	default:
		return false;
	}
}

bool calls_waits(const struct wire_call *call)
{
	return call->kind == WIRE_CONTROL && _IOC_NR(call->word) == WAIT_EVENT;
}

bool calls_may_be_repeated(const struct wire_call *call)
{
	uint32_t command;

	if (call->kind == WIRE_CONTROL)
		return _IOC_NR(call->word) == VERSION || _IOC_NR(call->word) == COLLECT;
	if (_IOC_NR(call->word) != CTL || memory_read(&command, call->argument + COMMAND_OFFSET, sizeof(command)))
		return false;
	return command == CBTINFO || command == CBTMAP || command == CBTDIRTY || command == SNAPSHOTINFO;
}
