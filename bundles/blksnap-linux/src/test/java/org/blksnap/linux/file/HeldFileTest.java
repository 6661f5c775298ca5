// SPDX-License-Identifier: Apache-2.0
package org.blksnap.linux.file;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.Proxy;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.concurrent.atomic.AtomicBoolean;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.spi.host.HostFile;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HeldFileTest {
  @TempDir Path directory;
  private final AtomicBoolean descriptorClosed = new AtomicBoolean();
  private Path path;
  private FileIdentity identity;

  @BeforeEach
  void make() throws Exception {
    path = Files.write(directory.resolve("file"), new byte[] {7});
    identity = FileIdentity.of(path);
  }

  private HeldFile held(HostFile file) throws Exception {
    return new HeldFile(path, identity, file, "; let it go");
  }

  /** A host's file whose descriptor has the name {@code leads}. */
  private HostFile hostFile(Path leads) {
    return (HostFile)
        Proxy.newProxyInstance(
            getClass().getClassLoader(),
            new Class<?>[] {HostFile.class},
            (proxy, method, arguments) -> {
              if (method.getName().equals("close")) {
                descriptorClosed.set(true);
                return null;
              }
              assertEquals("descriptor", method.getName());
              return leads;
            });
  }

  /** Made before the first one is gone, so that it gets another inode. */
  private void replace() throws Exception {
    Path other = Files.write(directory.resolve("other"), new byte[] {8});
    Files.move(other, path, StandardCopyOption.REPLACE_EXISTING);
  }

  @Test
  void withoutADescriptorAnotherFileInItsPlaceIsESTALE() throws Exception {
    HeldFile held = held(null);
    assertEquals(path, held.current());
    replace();
    BlksnapException refused =
        assertThrows(BlksnapException.class, () -> held.openChannel(true).close());
    assertEquals(Errno.ESTALE, refused.errno());
    assertEquals(path + " is another file now; let it go", refused.getMessage());
  }

  @Test
  void withADescriptorTheSameFileIsOpenedWhateverBecameOfItsPath() throws Exception {
    Path other = Files.createLink(directory.resolve("descriptor"), path);
    HeldFile held = held(hostFile(other));
    replace();
    ByteBuffer content = ByteBuffer.allocate(1);
    try (FileChannel channel = held.openChannel(false)) {
      channel.read(content, 0);
    }
    assertEquals(7, content.get(0));
    held.close();
    assertTrue(descriptorClosed.get());
  }

  @Test
  void aDescriptorOfAnotherFileIsRefusedAndClosed() throws Exception {
    Path other = Files.write(directory.resolve("other"), new byte[1]);
    BlksnapException refused = assertThrows(BlksnapException.class, () -> held(hostFile(other)));
    assertEquals(Errno.ESTALE, refused.errno());
    assertTrue(descriptorClosed.get());
  }

  @Test
  void whereThePathHasStrayedIsTold() throws Exception {
    HeldFile held = held(null);
    assertEquals("", held.strayed());
    replace();
    assertEquals("another file has taken its place", held.strayed());
    Files.delete(path);
    assertEquals("nothing is there any more", held.strayed());
    assertFalse(descriptorClosed.get());
  }
}
