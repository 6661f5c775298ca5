// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.blksnap.spi.host.FileClaim;
import org.blksnap.spi.host.FileClaim.Conflict;
import org.blksnap.spi.host.FileClaim.Use;
import org.blksnap.spi.host.FileUsers;
import org.blksnap.spi.host.HostFile;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The claims of files against QEMU's own programs: each sees the other. */
@Timeout(120)
class QemuLocksTest {
  private static final List<String> WRITE = List.of("qemu-io", "-f", "raw", "-c", "write 0 64k");
  private static final List<String> READ =
      List.of("qemu-io", "-f", "raw", "-r", "-c", "read 0 64k");

  @TempDir Path directory;
  private LinuxHostOperations host;
  private Path path;

  @BeforeEach
  void makeFile() throws Exception {
    for (String tool : List.of("qemu-io", "qemu-img", "qemu-storage-daemon")) {
      assumeTrue(
          Files.isExecutable(Path.of("/usr/bin", tool)), "SKIPPED: " + tool + " is not installed");
    }
    host = new LinuxHostOperations();
    path = Files.write(directory.resolve("disk"), new byte[1 << 20]);
  }

  private Conflict claim(HostFile file, Use use, boolean writable) throws IOException {
    return FileClaim.take(file, use, writable, false);
  }

  private Conflict claimed(Use use, boolean writable) throws IOException {
    try (HostFile file = host.open(path, writable, false)) {
      return claim(file, use, writable);
    }
  }

  /** Its exit status and words. */
  private int run(List<String> command) throws Exception {
    List<String> whole = new ArrayList<>(command);
    if (!whole.contains(path.toString())) {
      whole.add(path.toString());
    }
    Process process = new ProcessBuilder(whole).redirectErrorStream(true).start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    int status = process.waitFor();
    assertTrue(status == 0 || said.contains("lock"), said);
    return status;
  }

  /** Wants that nobody writes meanwhile, unless it is told not to ask. */
  private List<String> copy(String... options) {
    List<String> command = new ArrayList<>(List.of("qemu-img", "convert"));
    command.addAll(List.of(options));
    command.addAll(
        List.of("raw", "-O", "raw", path.toString(), directory.resolve("copy").toString()));
    return command;
  }

  /** QEMU's shell with the file open, until it is closed. */
  private final class Open implements AutoCloseable {
    private final Process process;

    Open(String... options) throws Exception {
      List<String> command = new ArrayList<>(List.of("qemu-io", "-f", "raw"));
      command.addAll(List.of(options));
      command.add(path.toString());
      process = new ProcessBuilder(command).redirectErrorStream(true).start();
      Writer in = process.outputWriter();
      in.write("read 0 512\n");
      in.flush();
      BufferedReader out = process.inputReader();
      String line = out.readLine();
      while (line != null && !line.contains("read 512/512")) {
        line = out.readLine();
      }
      assertTrue(line != null, "qemu-io did not open it");
    }

    @Override
    public void close() throws Exception {
      process.destroy();
      process.waitFor();
    }
  }

  @Test
  void whatQemuWritesToIsNotClaimed() throws Exception {
    try (Open qemu = new Open()) {
      assertEquals(Conflict.OTHER, claimed(Use.DEVICE, true));
      assertEquals(Conflict.OTHER, claimed(Use.DEVICE, false));
      assertEquals(Conflict.OTHER, claimed(Use.STORAGE, true));
      FileUsers users = FileUsers.of(Path.of("/proc"), path);
      assertTrue(users.inTheWay(true).isPresent());
      assertTrue(users.text().contains("process " + qemu.process.pid() + " qemu-io"), users.text());
    }
    assertEquals(Conflict.NONE, claimed(Use.DEVICE, true));
  }

  @Test
  void qemuMayNeitherWriteNorCopyWhatIsClaimedForWriting() throws Exception {
    for (Use use : Use.values()) {
      try (HostFile file = host.open(path, true, false)) {
        assertEquals(Conflict.NONE, claim(file, use, true));
        assertNotEquals(0, run(WRITE), use + "");
        assertNotEquals(0, run(copy("-f")), use + "");
        assertEquals(0, run(copy("-U", "-f")), use + "");
      }
    }
    assertEquals(0, run(WRITE));
    assertEquals(0, run(READ));
  }

  @Test
  void readersStandSideBySideAndKeepWritersAway() throws Exception {
    try (HostFile file = host.open(path, false, false)) {
      assertEquals(Conflict.NONE, claim(file, Use.DEVICE, false));
      assertEquals(0, run(READ));
      assertEquals(0, run(List.of("qemu-img", "info")));
      assertNotEquals(0, run(WRITE));
      assertEquals(Conflict.NONE, claimed(Use.DEVICE, false));
      assertEquals(Conflict.ENGINE, claimed(Use.DEVICE, true));
    }
    try (Open qemu = new Open("-r")) {
      assertTrue(qemu.process.isAlive());
      assertEquals(Conflict.NONE, claimed(Use.DEVICE, false));
    }
  }

  @Test
  void aStorageDaemonsExportIsSeenAndRefused() throws Exception {
    List<String> daemon =
        List.of(
            "qemu-storage-daemon",
            "--blockdev",
            "driver=file,node-name=f,filename=" + path,
            "--nbd-server",
            "addr.type=unix,addr.path=" + directory.resolve("s"),
            "--export",
            "type=nbd,id=e,node-name=f,name=e,writable=on");
    try (HostFile file = host.open(path, true, false)) {
      assertEquals(Conflict.NONE, claim(file, Use.DEVICE, true));
      Process refused = new ProcessBuilder(daemon).redirectErrorStream(true).start();
      String said = new String(refused.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      assertNotEquals(0, refused.waitFor(), said);
      assertTrue(said.contains("lock"), said);
    }
    Path pid = directory.resolve("pid");
    List<String> told = new ArrayList<>(daemon);
    told.addAll(List.of("--pidfile", pid.toString()));
    Process running = new ProcessBuilder(told).inheritIO().start();
    try {
      while (Files.notExists(pid) || Files.size(pid) == 0) {
        assertTrue(running.isAlive());
        Thread.onSpinWait();
      }
      assertEquals(Conflict.OTHER, claimed(Use.DEVICE, true));
      assertEquals(Conflict.OTHER, claimed(Use.DEVICE, false));
    } finally {
      running.destroy();
      running.waitFor();
    }
  }

  @Test
  void twoEnginesKnowEachOther() throws Exception {
    try (HostFile first = host.open(path, true, false)) {
      assertEquals(Conflict.NONE, claim(first, Use.DEVICE, true));
      assertEquals(Conflict.ENGINE, claimed(Use.DEVICE, true));
      assertEquals(Conflict.ENGINE, claimed(Use.STORAGE, true));
    }
    try (HostFile first = host.open(path, true, false)) {
      assertEquals(Conflict.NONE, claim(first, Use.STORAGE, true));
      assertEquals(Conflict.OTHER, claimed(Use.DEVICE, true));
      assertEquals(Conflict.OTHER, claimed(Use.STORAGE, true));
    }
  }
}
