// SPDX-License-Identifier: Apache-2.0
package org.blksnap.kernel.internal.host;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.lang.reflect.Proxy;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.block.Geometry;
import org.blksnap.spi.device.DeviceProvider;
import org.blksnap.spi.device.OpenRequest;
import org.blksnap.spi.device.RawDevice;
import org.junit.jupiter.api.Test;

/** A device that is open only while it is used, over swaps of the bundle that opens it. */
class LentDeviceTest {
  /** Opens devices that are nothing but open or closed. */
  private static final class Provider implements DeviceProvider {
    final List<OpenRequest> opened = new ArrayList<>();
    int open;
    boolean stopped;
    int stopsAt = -1;

    @Override
    public RawDevice open(OpenRequest request) {
      opened.add(request);
      open++;
      return (RawDevice)
          Proxy.newProxyInstance(
              getClass().getClassLoader(),
              new Class<?>[] {RawDevice.class},
              (proxy, method, arguments) -> {
                if (method.getName().equals("close")) {
                  open--;
                  return null;
                }
                if (method.getName().equals("read")) {
                  ByteBuffer into = (ByteBuffer) arguments[0];
                  while (into.hasRemaining()) {
                    if (into.position() == stopsAt) {
                      throw new BlksnapException(Errno.ESHUTDOWN, "the bundle has stopped");
                    }
                    into.put((byte) (((long) arguments[1] + into.position()) % 251));
                  }
                }
                if (stopped && method.getName().equals("flush")) {
                  throw new BlksnapException(Errno.ESHUTDOWN, "the bundle has stopped");
                }
                return method.getName().equals("path") ? request.path() : null;
              });
    }

    @Override
    public Geometry geometry(Path path) {
      throw new UnsupportedOperationException();
    }
  }

  private final Path node = Path.of("/dev/none");
  private boolean another;
  private Provider present = new Provider();
  private final LentDevice device =
      new LentDevice(
          node,
          true,
          () -> present,
          () -> {
            if (another) {
              throw new BlksnapException(Errno.ESTALE, "another one");
            }
          });

  @Test
  void itIsOpenedAtTheFirstUseAndForReadingAsItWasAsked() throws Exception {
    assertEquals(0, present.opened.size());
    assertEquals(node, device.use(RawDevice::path));
    assertEquals(node, device.use(RawDevice::path));
    assertEquals(List.of(new OpenRequest(node, true, true)), present.opened);
    device.tick();
    assertEquals(1, present.open);
  }

  @Test
  void aUseThatMeetsAStoppedBundleIsMadeAgainAtItsSuccessor() throws Exception {
    Provider old = present;
    device.use(RawDevice::path);
    old.stopped = true;
    present = new Provider();
    device.use(
        raw -> {
          raw.flush();
          return null;
        });
    assertEquals(0, old.open);
    assertEquals(1, present.open);
  }

  @Test
  void whatWasReadByHalfIsReadFromItsBeginningOnceMore() throws Exception {
    Provider old = present;
    old.stopsAt = 100;
    present.opened.clear();
    device.use(RawDevice::path);
    Provider next = new Provider();
    ByteBuffer bytes = ByteBuffer.allocate(300).position(10);
    present = next;
    device.read(bytes, 7);
    assertEquals(300, bytes.position());
    for (int i = 10; i < 300; i++) {
      assertEquals((byte) ((7 + i) % 251), bytes.get(i), "byte " + i);
    }
    assertEquals(0, old.open);
  }

  @Test
  void whatIsSentIsSentOnce() throws Exception {
    Provider old = present;
    device.use(RawDevice::path);
    Provider next = new Provider();
    ByteArrayOutputStream got = new ByteArrayOutputStream();
    WritableByteChannel target =
        new WritableByteChannel() {
          @Override
          public int write(ByteBuffer src) {
            int length = src.remaining();
            while (src.hasRemaining()) {
              got.write(src.get());
            }
            old.stopsAt = 0;
            present = next;
            return length;
          }

          @Override
          public boolean isOpen() {
            return true;
          }

          @Override
          public void close() {}
        };
    device.transferTo(0, 200_000, target);
    assertEquals(200_000, got.size());
    assertEquals(1, next.opened.size());
  }

  @Test
  void anotherDeviceInItsPlaceIsNotUsedAndNotKeptOpen() throws Exception {
    another = true;
    assertEquals(
        Errno.ESTALE,
        assertThrows(BlksnapException.class, () -> device.use(RawDevice::path)).errno());
    assertEquals(0, present.open);
  }

  @Test
  void atTheEndItIsClosedOnceNobodyIsInside() throws Exception {
    device.use(
        raw -> {
          device.end("it has ended");
          assertEquals(1, present.open);
          return raw.path();
        });
    assertEquals(0, present.open);
    BlksnapException refused =
        assertThrows(BlksnapException.class, () -> device.use(RawDevice::path));
    assertEquals(Errno.ESTALE, refused.errno());
    assertTrue(refused.getMessage().contains("it has ended"));
  }
}
