// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.lookup;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.apache.karaf.shell.api.action.Command;
import org.apache.karaf.shell.api.action.lifecycle.Service;

/** What the shell finds in this bundle: every class with its annotation. */
public final class CommandClasses {
  private CommandClasses() {}

  public static List<Class<?>> services() throws Exception {
    Path root = Path.of(Engines.class.getProtectionDomain().getCodeSource().getLocation().toURI());
    try (Stream<Path> files = Files.walk(root)) {
      return files
          .map(file -> root.relativize(file).toString())
          .filter(name -> name.endsWith(".class"))
          .map(name -> load(name.replace(".class", "").replace('/', '.')))
          .filter(type -> type.isAnnotationPresent(Service.class))
          .<Class<?>>map(type -> type)
          .toList();
    }
  }

  public static List<String> commandNames() throws Exception {
    return services().stream()
        .filter(type -> type.isAnnotationPresent(Command.class))
        .map(type -> type.getAnnotation(Command.class).name())
        .sorted()
        .toList();
  }

  private static Class<?> load(String name) {
    try {
      return Class.forName(name, false, Engines.class.getClassLoader());
    } catch (ClassNotFoundException e) {
      throw new IllegalStateException(e);
    }
  }
}
