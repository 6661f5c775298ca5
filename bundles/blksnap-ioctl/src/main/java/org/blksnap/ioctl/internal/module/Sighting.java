// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.module;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.blksnap.ioctl.internal.module.NodeLook.Kind;
import org.blksnap.spi.module.Dialect;

/**
 * What is there of one module at a moment: its nodes and the names of its parameters (reference,
 * section 8). Nothing is opened for that.
 *
 * <pre>
 * node                  parameters                                                    dialect
 * blksnap-control       chunk_maximum_count                                           seed
 *                       chunk_maximum_count_shift, free_diff_buffer_pool_size         v6 or v7
 *                       chunk_maximum_count_shift, no free_diff_buffer_pool_size      6.15
 * veeamblksnap          chunk_maximum_count_shift; node bdevfilter                    Veeam 7
 *                       chunk_maximum_count_shift, chunk_maximum_in_cache             Veeam 6
 * </pre>
 */
record Sighting(
    String module, Path node, Kind kind, Kind filters, Path parameters, Set<String> names) {
  static final String CONTROL = "blksnap-control";
  static final String VEEAM = "veeamblksnap";
  static final String FILTERS = "bdevfilter";

  /** Of both modules that are known, in the order in which they are taken. */
  static List<Sighting> all(NodeLook look, Path devices, Path modules) {
    return List.of(
        of(look, devices, modules, "blksnap", CONTROL),
        of(look, devices, modules, "veeamblksnap", VEEAM));
  }

  private static Sighting of(
      NodeLook look, Path devices, Path modules, String module, String node) {
    Path parameters = modules.resolve(module).resolve("parameters");
    Path control = devices.resolve(node);
    return new Sighting(
        module,
        control,
        look.kind(control),
        look.kind(devices.resolve(FILTERS)),
        parameters,
        names(parameters));
  }

  private static Set<String> names(Path directory) {
    try (Stream<Path> files = Files.list(directory)) {
      return files
          .map(file -> file.getFileName().toString())
          .collect(Collectors.toCollection(TreeSet::new));
    } catch (IOException absent) {
      return Set.of();
    }
  }

  boolean present() {
    return kind != Kind.NONE;
  }

  /** Empty where it fits none. v6 stands for v7 as well, which looks the same. */
  Optional<Dialect> dialect() {
    if (kind != Kind.CHARACTER) {
      return Optional.empty();
    }
    boolean seed = names.contains("chunk_maximum_count");
    boolean shift = names.contains("chunk_maximum_count_shift");
    if (seed == shift) {
      return Optional.empty();
    }
    boolean cache = names.contains("chunk_maximum_in_cache");
    if (module.equals("blksnap")) {
      if (seed) {
        return Optional.of(Dialect.SEED);
      }
      return Optional.of(
          names.contains("free_diff_buffer_pool_size")
              ? Dialect.UPSTREAM_6
              : Dialect.UPSTREAM_6_15);
    }
    if (shift && cache) {
      return Optional.of(Dialect.VEEAM_6);
    }
    return shift && filters == Kind.CHARACTER ? Optional.of(Dialect.VEEAM_7) : Optional.empty();
  }

  /** A line each, for people. */
  List<String> lines() {
    List<String> lines = new ArrayList<>();
    lines.add(node + ": " + kind.text());
    if (module.equals("veeamblksnap")) {
      lines.add(node.resolveSibling(FILTERS) + ": " + filters.text());
    }
    lines.add(parameters + ": " + (names.isEmpty() ? "not there" : String.join(" ", names)));
    return lines;
  }
}
