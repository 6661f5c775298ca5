// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal.data;

import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.block.Geometry;
import org.blksnap.spi.chunk.DiffArea;

/**
 * One device's place in one taken snapshot: the diff area as long as there is one, and the first
 * error for ever. The area changes only under the exclusive side of the device's gate (hot swap);
 * the error is set once.
 */
public final class HeldArea {
  private final String image;
  private final Geometry geometry;
  private volatile DiffArea area;
  private volatile BlksnapException lost;

  public HeldArea(String image, Geometry geometry) {
    this.image = image;
    this.geometry = geometry;
  }

  /** Name of the image. */
  public String image() {
    return image;
  }

  /** The device's geometry at the take. */
  public Geometry geometry() {
    return geometry;
  }

  /** Null while the chunk engine is away or after it was given up. */
  public DiffArea area() {
    return area;
  }

  public void install(DiffArea newArea) {
    area = newArea;
    BlksnapException known = lost;
    if (newArea != null && known != null && newArea.error() == Errno.OK) {
      newArea.corrupt(known.errno(), known.getMessage());
    }
  }

  /**
   * Old data first, for the part of the range that the image has. False: the live write must not go
   * down, but leave the gate and come again. EAGAIN only with {@code noWait}.
   */
  boolean preserve(long offset, long length, boolean noWait) throws BlksnapException {
    DiffArea now = area;
    if (now == null || lost != null || offset >= geometry.capacity()) {
      return true;
    }
    try {
      now.preserve(offset, Math.min(length, geometry.capacity() - offset), noWait);
      return true;
    } catch (BlksnapException e) {
      if (noWait || e.errno() != Errno.EAGAIN) {
        throw e;
      }
      return false;
    }
  }

  /** Who waits for a buffer comes again. */
  void sendAway() {
    DiffArea now = area;
    if (now != null) {
      now.sendAway();
    }
  }

  /** Nothing more is saved or stored: the area is about to be closed. */
  public void retire() {
    DiffArea now = area;
    if (now != null) {
      now.retire();
    }
  }

  /** The snapshot is destroyed: nobody waits for its sake any more. */
  public void abandon() {
    DiffArea now = area;
    if (now != null) {
      now.abandon();
    }
  }

  /**
   * The image ends, so that live writes pass: the area has it in its files before one does. False
   * where the area does not say so afterwards.
   */
  boolean giveUp(String why) {
    DiffArea now = area;
    if (now == null) {
      return true;
    }
    now.corrupt(Errno.EIO, why);
    return now.error() != Errno.OK;
  }

  /**
   * The area for image access; EIO with the reason once it is lost, also where the area knows that
   * a moment before we are told: a flush that ends because of it must not look done.
   */
  DiffArea usable() throws BlksnapException {
    BlksnapException why = lost;
    DiffArea now = area;
    if (why != null) {
      throw new BlksnapException(
          Errno.EIO, "image " + image + " is corrupted: " + why.getMessage(), why);
    }
    if (now == null) {
      throw new BlksnapException(
          Errno.EIO, "image " + image + " has no copy-on-write engine behind it");
    }
    if (now.error() != Errno.OK) {
      throw new BlksnapException(
          Errno.EIO,
          "image " + image + " is corrupted: " + now.detail() + " [" + now.error() + "]");
    }
    return now;
  }

  /** Keeps the first error; true for it. */
  public synchronized boolean lose(Errno error, String detail) {
    if (lost != null) {
      return false;
    }
    lost = new BlksnapException(error, detail);
    return true;
  }

  /** The area refuses its readers a moment before it tells us: who was refused finds the error. */
  public Errno error() {
    BlksnapException why = lost;
    DiffArea now = area;
    if (why != null) {
      return why.errno();
    }
    return now == null ? Errno.OK : now.error();
  }

  public String detail() {
    BlksnapException why = lost;
    DiffArea now = area;
    if (why != null) {
      return why.getMessage();
    }
    return now == null ? "" : now.detail();
  }
}
