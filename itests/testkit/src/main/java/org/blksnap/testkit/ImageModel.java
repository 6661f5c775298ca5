// SPDX-License-Identifier: Apache-2.0
package org.blksnap.testkit;

import java.util.Arrays;

/** An image: a copy. And which of its chunks were touched, for that is what fills the storage. */
public final class ImageModel {
  private static final int SMALLEST_PAGE = 4096;
  private static final byte[] NOTHING = new byte[SMALLEST_PAGE];

  private final byte[] content;
  private final int chunkSize;
  private final boolean[] touched;
  private final StorageModel storage;
  private ChangeMapModel changes;
  private int changesNumber;
  private boolean lost;

  ImageModel(byte[] live, int chunkSize, StorageModel storage) {
    this.content = live.clone();
    this.chunkSize = chunkSize;
    this.touched = new boolean[(live.length + chunkSize - 1) / chunkSize];
    this.storage = storage;
  }

  /** The device's change map right after the take. */
  void takenWith(ChangeMapModel map) {
    changes = map;
    changesNumber = map.changesNumber();
  }

  public int changesNumber() {
    return changesNumber;
  }

  /**
   * The map of the image's moment. Once the device's {@code present} map is another one, nobody can
   * say what had changed, so all of it had.
   */
  public byte[] changes(ChangeMapModel present) {
    byte[] bytes = changes.bytes();
    if (present != changes) {
      Arrays.fill(bytes, (byte) changesNumber);
    }
    return bytes;
  }

  /** A write to the live device, or to the image, touches the range. */
  void touch(long offset, long length) {
    for (long at = offset; at < offset + length && at < content.length; at += step(at)) {
      int chunk = (int) (at / chunkSize);
      if (!touched[chunk] && !lost) {
        touched[chunk] = true;
        storage.allocate(chunkSize);
        noteZeroes(chunk);
      }
    }
  }

  /** Looks again: image writes may have brought zeroes. */
  public void noteZeroes() {
    for (int chunk = 0; chunk < touched.length; chunk++) {
      if (touched[chunk]) {
        noteZeroes(chunk);
      }
    }
  }

  private void noteZeroes(int chunk) {
    int end = Math.min(content.length, (chunk + 1) * chunkSize);
    for (int page = chunk * chunkSize; page < end; page += SMALLEST_PAGE) {
      int stop = Math.min(end, page + SMALLEST_PAGE);
      if (Arrays.equals(content, page, stop, NOTHING, 0, stop - page)) {
        storage.sawZeroes();
      }
    }
  }

  private long step(long at) {
    return chunkSize - at % chunkSize;
  }

  /** Its content, to be read and, by the engine's model, written. */
  public byte[] content() {
    return content;
  }

  public int chunkSize() {
    return chunkSize;
  }

  public boolean lost() {
    return lost;
  }

  /** The image is corrupted from now on. */
  public void lose() {
    lost = true;
  }
}
