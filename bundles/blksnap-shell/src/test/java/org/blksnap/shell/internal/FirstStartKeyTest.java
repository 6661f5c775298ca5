// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FirstStartKeyTest {
  @TempDir Path directory;
  private Path users;
  private Path key;

  @BeforeEach
  void paths() throws IOException {
    users = Files.createDirectory(directory.resolve("etc")).resolve("keys.properties");
    key = directory.resolve("data").resolve(FirstStartKey.KEY_FILE);
  }

  private boolean start() throws Exception {
    return new FirstStartKey(directory.resolve("etc"), directory.resolve("data")).ensure();
  }

  private Properties entries() throws IOException {
    Properties entries = new Properties();
    try (Reader reader = Files.newBufferedReader(users)) {
      entries.load(reader);
    }
    return entries;
  }

  private static String permissions(Path path) throws IOException {
    return PosixFilePermissions.toString(Files.getPosixFilePermissions(path));
  }

  @Test
  void sshReadsTheKeyAndFindsTheSamePublicHalf() throws Exception {
    Assumptions.assumeTrue(
        Files.isExecutable(Path.of("/usr/bin/ssh-keygen")),
        "SKIPPED: ssh-keygen is not installed (Debian: apt-get install openssh-client)");
    assertTrue(start());
    Process keygen =
        new ProcessBuilder("/usr/bin/ssh-keygen", "-y", "-f", key.toString())
            .redirectErrorStream(true)
            .start();
    String printed = new String(keygen.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
    assertTrue(keygen.waitFor(30, TimeUnit.SECONDS));
    String body = entries().getProperty("karaf").replace(",_g_:admingroup", "");
    assertEquals("ssh-rsa " + body, printed.trim());
  }

  @Test
  void onlyTheOwnerReadsWhatIsMade() throws Exception {
    start();
    assertEquals("rw-------", permissions(key));
    assertEquals("rwx------", permissions(key.getParent()));
    assertEquals("rw-------", permissions(users));
  }

  @Test
  void entriesOfTheFileStayAndTheGroupIsAdded() throws Exception {
    Files.writeString(users, "# mine\nsomeone = AAAA,viewer");
    start();
    assertTrue(Files.readString(users).startsWith("# mine\nsomeone = AAAA,viewer\n"));
    Properties entries = entries();
    assertEquals("AAAA,viewer", entries.getProperty("someone"));
    assertTrue(entries.getProperty("karaf").endsWith(",_g_:admingroup"));
    assertTrue(entries.getProperty("_g_:admingroup").contains("admin"));
  }

  @Test
  void groupThatExistsIsNotTouched() throws Exception {
    Files.writeString(users, "_g_\\:admingroup = group,admin,ssh\n");
    start();
    assertEquals("group,admin,ssh", entries().getProperty("_g_:admingroup"));
  }

  @Test
  void secondStartChangesNothing() throws Exception {
    start();
    String before = Files.readString(users);
    assertFalse(start());
    assertEquals(before, Files.readString(users));
  }

  @Test
  void entryOfAnOperatorKeepsAnyKeyFromBeingMade() throws Exception {
    Files.writeString(users, "blksnap = AAAA,_g_:admingroup\n");
    assertFalse(start());
    assertFalse(Files.exists(key));
  }

  @Test
  void entryRemovedByAnOperatorStaysRemoved() throws Exception {
    start();
    Files.writeString(users, "");
    assertFalse(start());
    assertEquals("", Files.readString(users));
  }

  @Test
  void startCutShortBeforeTheEntryIsCompletedWithTheSameKey() throws Exception {
    start();
    String entry = entries().getProperty("karaf");
    Files.move(key, key.resolveSibling(FirstStartKey.KEY_FILE + ".new"));
    Files.writeString(users, "");
    assertTrue(start());
    assertEquals(entry, entries().getProperty("karaf"));
    assertTrue(Files.exists(key));
  }

  @Test
  void startCutShortAfterTheEntryIsCompleted() throws Exception {
    start();
    String before = Files.readString(users);
    Files.move(key, key.resolveSibling(FirstStartKey.KEY_FILE + ".new"));
    assertTrue(start());
    assertEquals(before, Files.readString(users));
    assertTrue(Files.exists(key));
  }

  @Test
  void emptiedKeyIsMadeAgainAndEnteredInPlaceOfItsOwnEntry() throws Exception {
    for (String left : List.of("", "\0\0\0\0", "-----BEGIN PRIVATE KEY-----\nMIIG")) {
      start();
      String entry = entries().getProperty("karaf");
      Files.writeString(key, left);
      assertTrue(start());
      assertNotEquals(entry, entries().getProperty("karaf"));
      theEntryIsOfTheKey(entries().getProperty("karaf"));
      assertEquals(1, Files.readString(users).lines().filter(l -> l.startsWith("karaf")).count());
    }
  }

  @Test
  void keyIsMadeAgainWhereTheDataDirectoryWasWiped() throws Exception {
    Files.writeString(users, "# mine\nsomeone = AAAA,viewer\n");
    start();
    String entry = entries().getProperty("karaf");
    Files.delete(key);
    Files.delete(key.getParent());
    assertTrue(start());
    assertNotEquals(entry, entries().getProperty("karaf"));
    assertEquals("AAAA,viewer", entries().getProperty("someone"));
    assertTrue(Files.readString(users).startsWith("# mine\n"));
  }

  @Test
  void entryMadeByHandForTheSameUserIsNotReplaced() throws Exception {
    Files.writeString(users, "karaf = AAAA,_g_:admingroup\n");
    assertFalse(start());
    assertEquals("karaf = AAAA,_g_:admingroup\n", Files.readString(users));
  }

  @Test
  void keyOfAnotherFormPutThereByAnOperatorIsNotReplaced() throws Exception {
    Files.createDirectories(key.getParent());
    Files.writeString(key, "-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n");
    assertFalse(start());
    assertTrue(Files.readString(key).contains("OPENSSH"));
  }

  private void theEntryIsOfTheKey(String entry) throws Exception {
    ShellKey pair = ShellKey.read(key).orElseThrow();
    assertEquals(pair.publicBody() + ",_g_:admingroup", entry);
  }
}
