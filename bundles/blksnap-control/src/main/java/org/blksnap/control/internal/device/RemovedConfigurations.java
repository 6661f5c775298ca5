// SPDX-License-Identifier: Apache-2.0
package org.blksnap.control.internal.device;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Dictionary;
import java.util.Map;
import org.osgi.framework.InvalidSyntaxException;
import org.osgi.service.cm.Configuration;
import org.osgi.service.cm.ConfigurationAdmin;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What stands in {@code etc/} is the truth. Configuration Admin keeps a copy of each file, and the
 * installer of files notices only what is removed while it runs: a file removed while the
 * distribution was stopped would live on in the copy. Such copies of our own PIDs are deleted once,
 * at the start.
 */
@Component(
    service = {},
    immediate = true)
public final class RemovedConfigurations {
  /** The property under which the installer of files says where a configuration came from. */
  static final String FILE = "felix.fileinstall.filename";

  private static final Logger LOG = LoggerFactory.getLogger(RemovedConfigurations.class);
  private static final String OURS = "(&(service.pid=org.blksnap.*)(" + FILE + "=*))";

  @Activate
  public RemovedConfigurations(@Reference ConfigurationAdmin configurations) {
    try {
      Configuration[] ours = configurations.listConfigurations(OURS);
      if (ours != null) {
        for (Configuration one : ours) {
          deleteIfGone(one);
        }
      }
    } catch (IOException | InvalidSyntaxException | RuntimeException e) {
      LOG.warn("configurations whose files were removed may still be in force: {}", e.toString());
    }
  }

  private static void deleteIfGone(Configuration one) throws IOException {
    Dictionary<String, Object> properties = one.getProperties();
    Object file = properties == null ? null : properties.get(FILE);
    if (isGone(file)) {
      LOG.info(
          "configuration {} is deleted: its file {} was removed while nothing ran",
          one.getPid(),
          file);
      one.delete();
    }
  }

  /** True where the configuration came from a file that was removed. */
  static boolean fileGone(Map<String, ?> configured) {
    return isGone(configured.get(FILE));
  }

  /** A folder that is not there is no removed file: its file system may not be mounted yet. */
  private static boolean isGone(Object file) {
    if (file == null) {
      return false;
    }
    try {
      String text = file.toString();
      Path path = text.startsWith("file:") ? Path.of(URI.create(text)) : Path.of(text);
      return path.getParent() != null
          && Files.isDirectory(path.getParent())
          && Files.notExists(path);
    } catch (RuntimeException e) {
      LOG.debug("{} is no path: {}", file, e.toString());
      return false;
    }
  }
}
