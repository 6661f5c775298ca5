// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal;

import java.io.IOException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Gives a distribution its one way in: no password exists, and at a start that finds no key a pair
 * is made, the private half readable by the owner alone, the public half entered for the shell's
 * user.
 *
 * <p>Done only where the framework property {@link #ENABLED} is {@code true}. States, found on
 * disk:
 *
 * <pre>
 *   key file        | entry in keys.properties | what is done
 *   ----------------+--------------------------+---------------------------------------------------
 *   a key           | any                      | nothing: an entry removed stays so
 *   none, or broken | none, or our own         | make a pair, write it pending, enter its public
 *                   |                          | half, rename pending to the key file
 *   none, or broken | an operator's            | nothing; the log says so
 * </pre>
 *
 * A pending file that holds a whole key is a start cut short, and is completed. So a data directory
 * that was wiped, or a key file emptied by a full disk, is mended by the next start. Left out:
 * replacing a key that works, which is an operator's decision: remove the key file, and start
 * again.
 */
@Component(service = FirstStartKey.class, immediate = true)
public final class FirstStartKey {
  /** Framework property that switches this on. */
  static final String ENABLED = "blksnap.firstStartKey";

  /** Name of the private key's file in the data directory. */
  static final String KEY_FILE = "blksnap-shell.key";

  /** Longest wait for a pair under way when the bundle goes. */
  private static final long CLOSE_MILLIS = 30_000;

  private static final Logger LOG = LoggerFactory.getLogger(FirstStartKey.class);

  private final Path key;
  private final Path pending;
  private final ShellUsers users;
  private final Thread maker = new Thread(this::make, "blksnap-first-start-key");

  FirstStartKey(Path etc, Path data) {
    this.key = data.resolve(KEY_FILE);
    this.pending = data.resolve(KEY_FILE + ".new");
    this.users = new ShellUsers(etc.resolve("keys.properties"));
  }

  /** In a thread of its own: making a pair takes seconds on a slow machine, and a boot waits. */
  @Activate
  public FirstStartKey(BundleContext context) {
    this(path(context, "karaf.etc", "etc"), path(context, "karaf.data", "data"));
    if (Boolean.parseBoolean(context.getProperty(ENABLED))) {
      maker.setDaemon(true);
      maker.start();
    }
  }

  /** Waits for the thread, so that a successor does not find it at work. */
  @Deactivate
  void close() {
    try {
      maker.join(CLOSE_MILLIS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Never fails: without a key the shell stays closed, and the log says what to do. */
  private void make() {
    try {
      if (ensure()) {
        LOG.info("Made the shell's key {}: ssh -i {} {}@127.0.0.1", key, key, ShellUsers.USER);
      }
    } catch (IOException | GeneralSecurityException e) {
      LOG.error(
          "No key for the shell could be made in {} ({}); make the directory and {} writable and"
              + " start again, or enter a key of yours there",
          key,
          e.toString(),
          users.file());
    }
  }

  static Path path(BundleContext context, String property, String otherwise) {
    String value = context.getProperty(property);
    return Path.of(value == null ? otherwise : value).toAbsolutePath();
  }

  /** True where a key was made or a cut short attempt was completed. */
  boolean ensure() throws IOException, GeneralSecurityException {
    if (ShellKey.stands(key)) {
      return false;
    }
    if (users.entry() == ShellUsers.Entry.OPERATORS) {
      LOG.warn(
          "There is no key {}, and none is made: {} has an entry of user {} or {} that was made by"
              + " hand. For bin/blksnap remove that line and start again; ssh with that entry's own"
              + " key works meanwhile",
          key,
          users.file(),
          ShellUsers.USER,
          ShellUsers.OTHER_USER);
      return false;
    }
    ShellKey pair = ShellKey.read(pending).orElse(null);
    if (pair == null) {
      pair = ShellKey.generate();
      // The key is on disk before anything points to it.
      PrivateFile.write(pending, pair.pem());
    }
    users.enter(pair.publicBody());
    PrivateFile.move(pending, key);
    return true;
  }
}
