// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.block;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.FileOutputStream;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/** The one table from what the runtime throws to an errno, on what the system really says. */
class SystemFailureTest {
  @TempDir Path directory;

  private static Errno errno(Executable call) {
    return BlksnapException.errnoOf(assertThrows(Throwable.class, call));
  }

  @Test
  void aFullDiskIsEnospc() throws Exception {
    try (FileChannel full = FileChannel.open(Path.of("/dev/full"), StandardOpenOption.WRITE)) {
      assertEquals(Errno.ENOSPC, errno(() -> full.write(ByteBuffer.allocate(512))));
    }
    try (FileOutputStream full = new FileOutputStream("/dev/full")) {
      assertEquals(Errno.ENOSPC, errno(() -> full.write(1)));
    }
  }

  @Test
  void aQuotasEndIsEnospc() {
    assertEquals(Errno.ENOSPC, BlksnapException.errnoOf(new IOException("Disk quota exceeded")));
    assertEquals(
        Errno.ENOSPC,
        BlksnapException.errnoOf(new FileSystemException("/f", null, "Disk quota exceeded")));
  }

  @Test
  void aFileBeyondWhatTheFileSystemTakesIsEfbig() throws Exception {
    Path file = directory.resolve("f");
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      assertEquals(
          Errno.EFBIG, errno(() -> channel.write(ByteBuffer.allocate(512), Long.MAX_VALUE - 512)));
    }
  }

  @Test
  void aReadOnlyFileSystemIsErofs() {
    assertEquals(Errno.EROFS, BlksnapException.errnoOf(new IOException("Read-only file system")));
    assertEquals(
        Errno.EROFS,
        BlksnapException.errnoOf(new FileSystemException("/f", null, "Read-only file system")));
  }

  @Test
  void whatIsMissingIsEnoentAndWhatIsNoDirectoryEnotdir() throws Exception {
    Path missing = directory.resolve("missing");
    Path inFile = Files.createFile(directory.resolve("f")).resolve("x");
    assertEquals(Errno.ENOENT, errno(() -> FileChannel.open(missing)));
    assertEquals(Errno.ENOENT, errno(() -> new RandomAccessFile(missing.toFile(), "r").close()));
    assertEquals(Errno.ENOTDIR, errno(() -> FileChannel.open(inFile)));
    assertEquals(Errno.EISDIR, errno(() -> new RandomAccessFile("/", "r").close()));
  }

  @Test
  void aPathWithAnErrorsWordsDoesNotStandForIt() throws Exception {
    Path odd = directory.resolve("No space left on device");
    assertEquals(Errno.ENOENT, errno(() -> new RandomAccessFile(odd.toFile(), "r").close()));
    assertEquals(Errno.ENOENT, errno(() -> FileChannel.open(odd)));
    assertEquals(
        Errno.EIO,
        BlksnapException.errnoOf(new FileSystemException("No space left on device", null, "odd")));
  }

  @Test
  void aMissingDeviceIsToldFromAMissingAddress() {
    assertEquals(Errno.ENODEV, BlksnapException.errnoOf(new IOException("No such device")));
    assertEquals(
        Errno.ENXIO, BlksnapException.errnoOf(new IOException("No such device or address")));
  }

  @Test
  void whatIsNotKnownIsEio() {
    assertEquals(Errno.EIO, BlksnapException.errnoOf(new IOException("Input/output error")));
    assertEquals(Errno.EIO, BlksnapException.errnoOf(new IllegalStateException()));
    assertEquals(Errno.ENOMEM, BlksnapException.errnoOf(new OutOfMemoryError()));
    assertEquals(Errno.EBUSY, BlksnapException.errnoOf(new BlksnapException(Errno.EBUSY, "own")));
  }
}
