// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.module;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/** Trees of devices and modules made of plain files, whose kinds are told by the test. */
final class FakeTree implements NodeLook {
  static final String[] SEED_PARAMETERS = {
    "tracking_block_minimum_shift=16",
    "tracking_block_maximum_count=2097152",
    "tracking_block_maximum_shift=26",
    "chunk_minimum_shift=18",
    "chunk_maximum_count=2097152",
    "chunk_maximum_shift=26",
    "chunk_maximum_in_queue=16",
    "free_diff_buffer_pool_size=128",
    "diff_storage_minimum=2097152",
  };
  static final String[] UPSTREAM_PARAMETERS = {
    "tracking_block_minimum_shift=16",
    "tracking_block_maximum_count=2097152",
    "tracking_block_maximum_shift=26",
    "chunk_minimum_shift=18",
    "chunk_maximum_count_shift=40",
    "chunk_maximum_shift=26",
    "chunk_maximum_in_queue=16",
    "free_diff_buffer_pool_size=128",
    "diff_storage_minimum=2097152",
  };
  static final String[] UPSTREAM_615_PARAMETERS = {
    "tracking_block_minimum_shift=16",
    "chunk_maximum_count_shift=40",
    "chunk_maximum_in_queue=16",
    "diff_storage_minimum=2097152",
  };
  static final String[] VEEAM_6_PARAMETERS = {
    "tracking_block_minimum_shift=16", "chunk_maximum_count_shift=40", "chunk_maximum_in_cache=32",
  };

  final Path devices;
  final Path modules;
  final Path boot;
  private final Map<Path, Kind> kinds = new HashMap<>();
  private final Map<Path, Long> numbers = new HashMap<>();

  FakeTree(Path root) throws IOException {
    devices = Files.createDirectories(root.resolve("dev"));
    modules = Files.createDirectories(root.resolve("sys/module"));
    boot = Files.writeString(root.resolve("boot_id"), "a-boot\n");
  }

  FakeTree node(String name, Kind kind) throws IOException {
    kinds.put(Files.writeString(devices.resolve(name), ""), kind);
    return this;
  }

  Path disk(String name, int major, int minor) throws IOException {
    node(name, Kind.BLOCK);
    Path path = devices.resolve(name);
    numbers.put(path, (minor & 0xffL) | (long) major << 8 | (minor & ~0xffL) << 12);
    return path;
  }

  FakeTree module(String name, String... parameters) throws IOException {
    Path directory = Files.createDirectories(modules.resolve(name).resolve("parameters"));
    for (String parameter : parameters) {
      String[] pair = parameter.split("=", 2);
      Files.writeString(directory.resolve(pair[0]), pair[1] + "\n");
    }
    return this;
  }

  Path parameters(String module) {
    return modules.resolve(module).resolve("parameters");
  }

  LoadedModuleProbe probe(ModuleCalls calls) {
    return new LoadedModuleProbe(devices, modules, boot, this, () -> calls);
  }

  @Override
  public Kind kind(Path path) {
    return Files.exists(path) ? kinds.getOrDefault(path, Kind.OTHER) : Kind.NONE;
  }

  @Override
  public long number(Path path) {
    return numbers.get(path);
  }
}
