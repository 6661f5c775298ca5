// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.spi.host.HostFile;
import org.blksnap.spi.host.HostOperations;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;

/**
 * The host through the C library. Holds no state: a reference kept beyond the bundle's stop still
 * works, which is what lets a freeze be undone whatever happens to this component.
 */
@Component(service = HostOperations.class)
public final class LinuxHostOperations implements HostOperations {
  private final NativeCalls calls;

  LinuxHostOperations(NativeCalls calls) {
    this.calls = calls;
  }

  /** Not registered where native access is not possible; {@link HostExamination} says why. */
  @Activate
  public LinuxHostOperations() throws BlksnapException {
    this(LibcCalls.load());
  }

  @Override
  public HostFile open(Path path, boolean writable, boolean exclusive) throws BlksnapException {
    String name = path.toString();
    int flags =
        (writable ? LinuxAbi.O_RDWR : LinuxAbi.O_RDONLY) | (exclusive ? LinuxAbi.O_EXCL : 0);
    return new LinuxHostFile(calls, name, openRaw(name, flags));
  }

  @Override
  public void freeze(Path mountPoint) throws BlksnapException {
    onMountPoint("FIFREEZE", LinuxAbi.FIFREEZE, mountPoint);
  }

  @Override
  public void thaw(Path mountPoint) throws BlksnapException {
    onMountPoint("FITHAW", LinuxAbi.FITHAW, mountPoint);
  }

  @Override
  public void lockMemory(ByteBuffer direct) throws BlksnapException {
    if (!direct.isDirect()) {
      throw new BlksnapException(
          Errno.EINVAL,
          "mlock of a heap buffer of "
              + direct.capacity()
              + " bytes: only a direct one has an"
              + " address that stays");
    }
    int answer = calls.lockMemory(direct);
    if (answer < 0) {
      throw new BlksnapException(
          Errno.of(-answer),
          "mlock of "
              + direct.capacity()
              + " bytes: "
              + Errno.of(-answer).text()
              + "; raise the locked-memory limit (LimitMEMLOCK=, ulimit -l)");
    }
  }

  private void onMountPoint(String name, long request, Path mountPoint) throws BlksnapException {
    String path = mountPoint.toString();
    int fd = openRaw(path, LinuxAbi.O_RDONLY);
    try {
      int answer = calls.ioctl(fd, request, null);
      if (answer < 0) {
        throw CallFailure.of(name, path, answer);
      }
    } finally {
      calls.close(fd);
    }
  }

  private int openRaw(String path, int flags) throws BlksnapException {
    int answer;
    int broken = 0;
    do {
      answer = calls.open(path, flags | LinuxAbi.O_CLOEXEC);
    } while (answer == -Errno.EINTR.code() && ++broken <= LinuxHostFile.SIGNAL_RETRIES);
    if (answer < 0) {
      throw CallFailure.of(name(flags), path, answer);
    }
    return answer;
  }

  private static String name(int flags) {
    return "open("
        + ((flags & LinuxAbi.O_RDWR) != 0 ? "O_RDWR" : "O_RDONLY")
        + ((flags & LinuxAbi.O_EXCL) != 0 ? "|O_EXCL" : "")
        + ")";
  }
}
