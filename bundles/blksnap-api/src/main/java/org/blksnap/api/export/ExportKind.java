// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.export;

/** What is behind an export. */
public enum ExportKind {
  /** An attached device. */
  DEVICE,
  /** An image of a snapshot. */
  IMAGE,
  /** A block device of somebody else's, given by an {@link ExportSource}. */
  SOURCE
}
