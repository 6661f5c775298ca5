// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal.export;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.BlockDevice;
import org.blksnap.api.block.Errno;
import org.blksnap.api.block.Geometry;
import org.blksnap.api.export.ExportSource;
import org.blksnap.nbd.internal.protocol.Wire;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One registered {@link ExportSource}, with what it said of itself when it appeared. Foreign code:
 * whatever it throws is caught here, and told in the log once a source.
 */
public final class Source {
  private static final Logger LOG = LoggerFactory.getLogger(Source.class);

  private final ExportSource service;
  private final long id;
  private final AtomicBoolean told = new AtomicBoolean();
  private String name = "";
  private String description = "";
  private String fault = "";
  private volatile boolean gone;

  /** As the last device opened had it; null before. */
  private volatile Geometry seen;

  /**
   * @param id the service's; a lower one is older
   */
  Source(ExportSource service, long id) {
    this.service = service;
    this.id = id;
    try {
      String said = service.name();
      fault = fault(said);
      name = said == null ? "" : said;
      String words = service.description();
      description = words == null ? "" : words;
    } catch (Throwable e) {
      fault = "it cannot say what it is: " + tell(e).getMessage();
    }
  }

  /** Why the name is none; empty where it is one. */
  private static String fault(String name) {
    if (name == null || name.isEmpty()) {
      return "it has no name";
    }
    try {
      ByteBuffer bytes = StandardCharsets.UTF_8.newEncoder().encode(CharBuffer.wrap(name));
      if (bytes.remaining() > Wire.MAXIMUM_STRING) {
        return "its name has "
            + bytes.remaining()
            + " bytes, allowed are 1 to "
            + Wire.MAXIMUM_STRING;
      }
    } catch (CharacterCodingException e) {
      return "its name has characters that are none";
    }
    return name.chars().anyMatch(Character::isISOControl) ? "its name has control characters" : "";
  }

  boolean is(ExportSource other) {
    return service == other;
  }

  long id() {
    return id;
  }

  String name() {
    return name;
  }

  String description() {
    return description;
  }

  /** Why it cannot be served; empty where it can. */
  String fault() {
    return fault;
  }

  /** What a person is told of it: its class, since its name may be what is wrong. */
  String words() {
    return service.getClass().getName() + ", service " + id;
  }

  /** Its service goes; its devices answer ESHUTDOWN to requests that come later. */
  void leave() {
    gone = true;
  }

  /** Of the device opened last; empty where none was yet. */
  Optional<Geometry> seen() {
    return Optional.ofNullable(seen);
  }

  /**
   * Opens a device; takes as long as the source takes. {@code after} is run when it has gone back.
   * Fails with the source's own words.
   */
  SourceDevice open(Runnable after) throws BlksnapException {
    BlockDevice device;
    try {
      device = service.open();
    } catch (Throwable e) {
      throw tell(e);
    }
    try {
      if (device == null) {
        throw new BlksnapException(Errno.EIO, "it opened no device");
      }
      Geometry geometry = device.geometry();
      if (geometry == null) {
        throw new BlksnapException(Errno.EIO, "its device has no geometry");
      }
      seen = geometry;
      return new SourceDevice(
          name,
          device,
          geometry,
          () -> gone,
          () -> {
            release(device);
            after.run();
          },
          this::tell);
    } catch (Throwable e) {
      if (device != null) {
        release(device);
      }
      throw tell(e);
    }
  }

  private void release(BlockDevice device) {
    try {
      service.release(device);
    } catch (Throwable e) {
      tell(e);
    }
  }

  /** Makes a failure of a request or an opening of what it threw. */
  private BlksnapException tell(Throwable e) {
    boolean refusal = e instanceof IOException;
    if (told.getAndSet(true)) {
      LOG.debug("source \"{}\" ({})", name, words(), e);
    } else {
      LOG.warn(
          "source \"{}\" ({}) failed, and is not told of again: {}",
          name,
          words(),
          e.toString(),
          refusal ? null : e);
    }
    Errno errno =
        refusal || e instanceof OutOfMemoryError ? BlksnapException.errnoOf(e) : Errno.EIO;
    String reason = e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
    return new BlksnapException(errno, "source " + name + ": " + reason, e);
  }
}
