// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.change;

import java.util.Objects;
import java.util.UUID;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;

/**
 * A point in the life of one device's change map: what a backup keeps, and gives back at the next
 * one to be told what changed since. As text it is {@code generation:number}, for instance {@code
 * 6f1c9a0e-2c1b-4b7e-9a43-0d6c5f8e7a11:42}.
 *
 * @param generation the generation of the map; another one has nothing in common with it
 * @param number the number of a take within the generation, 0 to 255
 */
public record ChangePoint(UUID generation, int number) {
  /** Before everything: all of a device counts as changed since then. */
  public static final ChangePoint BEGINNING = new ChangePoint(new UUID(0, 0), 0);

  /** The largest number a map's byte holds. */
  public static final int LARGEST_NUMBER = 255;

  public ChangePoint {
    Objects.requireNonNull(generation, "generation");
    if (number < 0 || number > 255) {
      throw new IllegalArgumentException(
          "change number " + number + " refused: allowed are 0 to 255");
    }
  }

  /** The point as {@link #toString} writes it. EINVAL where the text is not one. */
  public static ChangePoint parse(String text) throws BlksnapException {
    int colon = text.lastIndexOf(':');
    try {
      if (colon > 0) {
        UUID generation = UUID.fromString(text.substring(0, colon));
        if (generation.toString().equalsIgnoreCase(text.substring(0, colon))) {
          return new ChangePoint(generation, Integer.parseInt(text.substring(colon + 1)));
        }
      }
    } catch (IllegalArgumentException e) {
      throw refused(text, e);
    }
    throw refused(text, null);
  }

  private static BlksnapException refused(String text, Throwable cause) {
    return new BlksnapException(
        Errno.EINVAL,
        "change point \""
            + text
            + "\" refused: allowed is GENERATION:NUMBER, a UUID in its 36 characters and a number"
            + " from 0 to 255, as a backup printed it",
        cause);
  }

  /** {@code generation:number}; {@link #parse} reads it. */
  @Override
  public String toString() {
    return generation + ":" + number;
  }
}
