/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the groups of the contract have in common: what a call is expected to
 * answer, and what it is called with.
 */
#ifndef CONTRACT_H
#define CONTRACT_H

#include "calls.h"

#define ANY -1 /* some errno */

extern const char *path1, *storage_path; /* of device1, and of the storage */
extern int device1, device2;
extern char *page_end; /* the first byte that can't be read or written */
extern void *const nowhere;
extern uint8_t unknown[SIZE_UUID];

void expect(const char *what, int got, int want);
void expect_that(const char *what, int holds);
void expect_number(const char *what, int64_t got, int64_t want);

uint64_t now_ms(void);
int control(unsigned long call, void *argument);
uint32_t snapshots(void);
uint64_t sectors_of(const char *path);

/* Every pointer that is none: null, unmapped, the kernel's, the last byte missing. */
void bad_pointers(const char *what, int fd, unsigned long call, size_t size);

void group_control(void);
void group_storage(void);
void group_events(void);

void group_filter(void);
void group_cbt(void);
void group_snapshot(void);

#endif /* CONTRACT_H */
