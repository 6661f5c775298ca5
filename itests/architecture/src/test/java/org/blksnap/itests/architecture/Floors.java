// SPDX-License-Identifier: Apache-2.0
package org.blksnap.itests.architecture;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;

/**
 * Who names whom in one bundle, file by file and package by package. A file is a top-level class
 * with all that stands inside it.
 *
 * @param files each file, by its class's name, and the files of the bundle it names, but itself
 * @param packages each package, and the packages of the bundle it names, but itself
 * @param outside each package, and what it names of ours in other bundles, by package
 */
record Floors(
    Map<String, Set<String>> files,
    Map<String, Set<String>> packages,
    Map<String, Set<String>> outside) {
  /** {@code root} is a bundle's directory of classes, or the root of its jar. */
  static Floors of(Path root) throws IOException {
    Map<String, Set<String>> named = new TreeMap<>();
    try (Stream<Path> all = Files.walk(root)) {
      for (Path file : all.filter(path -> path.toString().endsWith(".class")).toList()) {
        String path = root.relativize(file).toString();
        String name = path.substring(0, path.length() - ".class".length()).replace('/', '.');
        if (name.endsWith("-info")) {
          continue;
        }
        try (InputStream in = Files.newInputStream(file)) {
          named.computeIfAbsent(fileOf(name), f -> new TreeSet<>()).addAll(ClassNames.in(in));
        }
      }
    }
    Map<String, Set<String>> files = new TreeMap<>();
    Map<String, Set<String>> packages = new TreeMap<>();
    Map<String, Set<String>> outside = new TreeMap<>();
    named.forEach(
        (file, names) -> {
          Set<String> others = files.computeIfAbsent(file, f -> new TreeSet<>());
          Set<String> below = packages.computeIfAbsent(packageOf(file), p -> new TreeSet<>());
          Set<String> far = outside.computeIfAbsent(packageOf(file), p -> new TreeSet<>());
          for (String name : names) {
            String other = fileOf(name);
            if (named.containsKey(other) && !other.equals(file)) {
              others.add(other);
              if (!packageOf(other).equals(packageOf(file))) {
                below.add(packageOf(other));
              }
            } else if (!named.containsKey(other) && other.startsWith("org.blksnap.")) {
              far.add(packageOf(other));
            }
          }
        });
    return new Floors(files, packages, outside);
  }

  private static String fileOf(String className) {
    int inner = className.indexOf('$');
    return inner < 0 ? className : className.substring(0, inner);
  }

  static String packageOf(String file) {
    return file.substring(0, file.lastIndexOf('.'));
  }

  /** How many floors a package stands above those that name no other; 0 within a circle, too. */
  int height(String name) {
    return height(name, Set.of());
  }

  private int height(String name, Set<String> passed) {
    Set<String> now = new TreeSet<>(passed);
    now.add(name);
    return packages.get(name).stream()
        .filter(below -> !now.contains(below))
        .mapToInt(below -> height(below, now) + 1)
        .max()
        .orElse(0);
  }

  /** Prints the floors of bundles, the highest first; each argument is a directory of classes. */
  public static void main(String[] roots) throws IOException {
    for (String root : roots) {
      of(Path.of(root)).print(root);
    }
  }

  private void print(String root) {
    System.out.println("== " + root + ": " + files.size() + " files");
    packages.keySet().stream()
        .sorted((a, b) -> height(b) != height(a) ? height(b) - height(a) : a.compareTo(b))
        .forEach(this::printPackage);
    Circles.in(packages).forEach(circle -> System.out.println("CIRCLE of packages: " + circle));
    Circles.in(files).forEach(circle -> System.out.println("CIRCLE of files: " + circle));
    System.out.println();
  }

  private void printPackage(String name) {
    System.out.println("[" + height(name) + "] " + name + " -> " + packages.get(name));
    files.forEach(
        (file, others) -> {
          if (packageOf(file).equals(name)) {
            System.out.println("      " + shortened(file, name) + " -> " + shortened(others, name));
          }
        });
  }

  private static Set<String> shortened(Set<String> others, String from) {
    Set<String> names = new TreeSet<>();
    others.forEach(other -> names.add(shortened(other, from)));
    return names;
  }

  /** A file of the same package by its name alone, another one with the end of its package. */
  private static String shortened(String file, String from) {
    String in = packageOf(file);
    String name = file.substring(in.length() + 1);
    return in.equals(from) ? name : in.substring(in.lastIndexOf('.') + 1) + "." + name;
  }
}
