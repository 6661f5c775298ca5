// SPDX-License-Identifier: Apache-2.0
package org.blksnap.testkit;

/** The engine did something else than the model. */
public final class Difference extends AssertionError {
  private static final long serialVersionUID = 1L;

  public Difference(String message) {
    super(message);
  }

  public Difference(String message, Throwable cause) {
    super(message, cause);
  }
}
