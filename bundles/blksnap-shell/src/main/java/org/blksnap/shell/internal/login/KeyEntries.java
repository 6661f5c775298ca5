// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.login;

import java.io.IOException;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.Principal;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Properties;
import java.util.Set;
import org.apache.karaf.jaas.boot.principal.GroupPrincipal;
import org.apache.karaf.jaas.boot.principal.RolePrincipal;
import org.apache.karaf.jaas.boot.principal.UserPrincipal;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads {@code keys.properties}, anew for each login:
 *
 * <pre>
 *   NAME = BODY,ROLE...               a user: key, then roles and groups
 *   NAME = TYPE BODY COMMENT,ROLE...  the same, the key as it stands in a .pub file
 *   _g_\:GROUP = group,ROLE...        a group, given to a user as _g_:GROUP
 * </pre>
 */
final class KeyEntries {
  private static final String GROUP_PREFIX = "_g_:";
  private static final Logger LOG = LoggerFactory.getLogger(KeyEntries.class);

  private final Path file;

  KeyEntries(Path file) {
    this.file = file;
  }

  /** The user, its groups and roles; none where the user has not that key, or no role at all. */
  Set<Principal> principals(String user, String body) {
    Properties entries = new Properties();
    try (Reader reader = Files.newBufferedReader(file, StandardCharsets.UTF_8)) {
      entries.load(reader);
    } catch (IOException | IllegalArgumentException e) {
      LOG.error("{} cannot be read ({}): nobody can log in with a key", file, e.toString());
      return Set.of();
    }
    String entry = user.startsWith(GROUP_PREFIX) ? null : entries.getProperty(user);
    if (entry == null) {
      return Set.of();
    }
    List<String> parts = parts(entry);
    if (!Arrays.asList(parts.get(0).split("\\s+")).contains(body)) {
      return Set.of();
    }
    Set<Principal> principals = new HashSet<>();
    for (String role : parts.subList(1, parts.size())) {
      if (role.startsWith(GROUP_PREFIX)) {
        principals.add(new GroupPrincipal(role.substring(GROUP_PREFIX.length())));
        List<String> group = parts(entries.getProperty(role, "group"));
        group.subList(1, group.size()).forEach(r -> principals.add(new RolePrincipal(r)));
      } else {
        principals.add(new RolePrincipal(role));
      }
    }
    if (principals.isEmpty()) {
      LOG.warn("user {} has no role in {}: give one, such as viewer", user, file);
      return Set.of();
    }
    principals.add(new UserPrincipal(user));
    return principals;
  }

  /** At least one. */
  private static List<String> parts(String entry) {
    return Arrays.stream(entry.split(",")).map(String::trim).toList();
  }
}
