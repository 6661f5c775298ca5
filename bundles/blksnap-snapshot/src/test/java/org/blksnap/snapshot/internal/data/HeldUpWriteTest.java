// SPDX-License-Identifier: Apache-2.0
package org.blksnap.snapshot.internal.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.block.Geometry;
import org.blksnap.api.change.CbtInfo;
import org.blksnap.api.snapshot.AttachRequest;
import org.blksnap.spi.chunk.DiffArea;
import org.blksnap.spi.device.DeviceIdentity;
import org.blksnap.spi.device.RawDevice;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A live write that its image's area sends away again and again. */
@Timeout(60)
class HeldUpWriteTest {
  private static final Geometry GEOMETRY = new Geometry(1 << 20, 512, 4096, 4096, false, false);
  private static final Duration PATIENCE = Duration.ofMillis(100);

  /** What reached the area and the device, in this order. */
  private final List<String> steps = Collections.synchronizedList(new ArrayList<>());

  /** False: an area that does not take its end in. */
  private volatile boolean corruptible = true;

  private volatile Errno error = Errno.OK;
  private volatile String detail = "";

  private <T> T made(Class<T> kind, InvocationHandler answers) {
    return kind.cast(Proxy.newProxyInstance(kind.getClassLoader(), new Class<?>[] {kind}, answers));
  }

  private Object ofDevice(Object self, java.lang.reflect.Method method, Object[] arguments) {
    return switch (method.getName()) {
      case "identity" -> new DeviceIdentity("file", false, 0, 0);
      case "geometry" -> GEOMETRY;
      case "write" -> {
        steps.add("write");
        yield null;
      }
      default -> throw new UnsupportedOperationException(method.getName());
    };
  }

  private Object ofArea(Object self, java.lang.reflect.Method method, Object[] arguments)
      throws BlksnapException {
    switch (method.getName()) {
      case "preserve":
        if (error == Errno.OK) {
          throw new BlksnapException(Errno.EAGAIN, "come again");
        }
        return null;
      case "corrupt":
        if (corruptible) {
          steps.add("corrupt");
          detail = (String) arguments[1];
          error = (Errno) arguments[0];
        }
        return null;
      case "error":
        return error;
      default:
        throw new UnsupportedOperationException(method.getName());
    }
  }

  private FilteredDevice heldDevice() {
    FilteredDevice device =
        new FilteredDevice(
            "disk",
            AttachRequest.of(Path.of("/disk")),
            made(RawDevice.class, this::ofDevice),
            0,
            new FilteredDevice.Keeper() {
              @Override
              public boolean rescan(FilteredDevice ofDevice) {
                return false;
              }

              @Override
              public CbtInfo restartChanges(FilteredDevice ofDevice) {
                throw new UnsupportedOperationException();
              }
            },
            PATIENCE);
    HeldArea held = new HeldArea("image", GEOMETRY);
    held.install(made(DiffArea.class, this::ofArea));
    device.hold(held);
    return device;
  }

  @Test
  void aWriteThatIsHeldUpForTooLongGivesUpTheImageAndGoesOn() throws Exception {
    heldDevice().write(ByteBuffer.allocate(4096), 0);
    assertEquals(List.of("corrupt", "write"), steps);
    assertEquals(Errno.EIO, error);
    assertTrue(detail.contains("a live write of device disk was held up"), detail);
  }

  @Test
  void aWriteNeverPassesAnAreaThatDoesNotSayThatItIsLost() {
    corruptible = false;
    FilteredDevice device = heldDevice();
    BlksnapException refused =
        assertThrows(BlksnapException.class, () -> device.write(ByteBuffer.allocate(4096), 0));
    assertEquals(Errno.ESHUTDOWN, refused.errno());
    assertEquals(List.of(), steps);
  }
}
