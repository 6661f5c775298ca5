// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.module;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.file.Path;
import java.util.List;
import java.util.UUID;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.ioctl.internal.layout.Upstream;
import org.blksnap.ioctl.internal.module.NodeLook.Kind;
import org.blksnap.spi.module.KernelModule;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/** A module of a made-up kernel and tree, loaded as the test says. */
abstract class ModuleFixture {
  static final UUID ID = UUID.fromString("01234567-89ab-cdef-fedc-ba9876543210");
  static final UUID OTHER = UUID.fromString("11111111-2222-3333-4444-555555555555");
  static final String ID_BYTES = "0123456789abcdeffedcba9876543210";

  @TempDir Path root;
  final FakeKernel kernel = new FakeKernel();
  FakeTree tree;
  Path disk;
  KernelModule module;

  @BeforeEach
  void plantTree() throws Exception {
    tree = new FakeTree(root);
    disk = tree.disk("sda", 8, 300);
  }

  @AfterEach
  void nothingStaysOpen() {
    module.close();
    assertEquals(0, kernel.open.size(), kernel.open.toString());
  }

  /** What was asked for that is forgotten. */
  void load() throws Exception {
    module = tree.probe(kernel).find().orElseThrow();
    kernel.asked.clear();
    kernel.arguments.clear();
  }

  void loadSeed() throws Exception {
    tree.node("blksnap-control", Kind.CHARACTER).module("blksnap", FakeTree.SEED_PARAMETERS);
    load();
  }

  /** v6 where the impossible creation is EINVAL, v7 where it is EFAULT. */
  void loadUpstream(Errno form) throws Exception {
    tree.node("blksnap-control", Kind.CHARACTER).module("blksnap", FakeTree.UPSTREAM_PARAMETERS);
    kernel.on(Upstream.CREATE_CALL, argument -> -form.code());
    load();
  }

  void loadLinux615() throws Exception {
    tree.node("blksnap-control", Kind.CHARACTER)
        .module("blksnap", FakeTree.UPSTREAM_615_PARAMETERS);
    load();
  }

  void loadVeeam7() throws Exception {
    tree.node("veeamblksnap", Kind.CHARACTER)
        .node("bdevfilter", Kind.CHARACTER)
        .module("veeamblksnap", FakeTree.UPSTREAM_PARAMETERS);
    load();
  }

  void loadVeeam6() throws Exception {
    tree.node("veeamblksnap", Kind.CHARACTER).module("veeamblksnap", FakeTree.VEEAM_6_PARAMETERS);
    load();
  }

  static String refused(Errno errno, Executable call) {
    BlksnapException refusal = assertThrows(BlksnapException.class, call);
    assertEquals(errno, refusal.errno(), refusal.getMessage());
    return refusal.getMessage();
  }

  void answers(long word, Errno errno) {
    kernel.on(word, argument -> -errno.code());
  }

  /** Node and word of each ioctl. */
  List<String> words() {
    return kernel.asked.stream()
        .filter(call -> call.startsWith("ioctl "))
        .map(call -> call.substring(call.lastIndexOf('/') + 1))
        .toList();
  }
}
