/* SPDX-License-Identifier: GPL-2.0 */
#ifndef BLKSNAP_CONTROL_H
#define BLKSNAP_CONTROL_H

int control_start(void);
void control_stop(void);

#endif /* BLKSNAP_CONTROL_H */
