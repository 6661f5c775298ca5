// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.module;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.health.Finding;
import org.blksnap.api.health.Finding.Severity;
import org.blksnap.ioctl.internal.layout.Seed;
import org.blksnap.ioctl.internal.layout.Upstream;
import org.blksnap.ioctl.internal.module.NodeLook.Kind;
import org.blksnap.spi.module.Dialect;
import org.blksnap.spi.module.KernelModule;
import org.blksnap.spi.module.ModuleFeature;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LoadedModuleProbeTest {
  @TempDir Path root;
  private FakeTree tree;
  private final FakeKernel kernel = new FakeKernel();

  @BeforeEach
  void emptyTree() throws Exception {
    tree = new FakeTree(root);
  }

  private KernelModule found() throws BlksnapException {
    return tree.probe(kernel).find().orElseThrow();
  }

  private BlksnapException refusal() {
    return assertThrows(BlksnapException.class, () -> tree.probe(kernel).find());
  }

  @Test
  void nothingIsFoundWhereNothingIs() throws Exception {
    assertEquals(Optional.empty(), tree.probe(kernel).find());
    assertEquals(Optional.empty(), tree.probe(kernel).incarnation());
    assertEquals(List.of(), kernel.asked);
    assertTrue(tree.probe(kernel).seen().toString().contains("blksnap-control: not there"));
  }

  @Test
  void theSeedIsFound() throws Exception {
    tree.node("blksnap-control", Kind.CHARACTER).module("blksnap", FakeTree.SEED_PARAMETERS);
    try (KernelModule module = found()) {
      assertEquals(Dialect.SEED, module.dialect());
      assertTrue(module.features().contains(ModuleFeature.APPEND_STORAGE));
      assertEquals(0x80002, kernel.flags.get(11), "O_RDWR|O_CLOEXEC");
    }
    assertEquals(0, kernel.open.size());
  }

  @Test
  void twoModulesAreRefusedAndNeitherStaysOpen() throws Exception {
    tree.node("blksnap-control", Kind.CHARACTER).module("blksnap", FakeTree.SEED_PARAMETERS);
    tree.node("veeamblksnap", Kind.CHARACTER).module("veeamblksnap", FakeTree.VEEAM_6_PARAMETERS);
    BlksnapException refused = refusal();
    assertEquals(Errno.EBUSY, refused.errno());
    assertTrue(refused.getMessage().contains("blksnap and veeamblksnap"), refused.getMessage());
    assertEquals(0, kernel.open.size());
  }

  @Test
  void aCreationThatCannotBeTellsUpstreamSixFromSeven() throws Exception {
    tree.node("blksnap-control", Kind.CHARACTER).module("blksnap", FakeTree.UPSTREAM_PARAMETERS);
    kernel.on(Upstream.CREATE_CALL, argument -> -Errno.EINVAL.code());
    kernel.on(Upstream.CREATE_CALL, argument -> -Errno.EFAULT.code());
    try (KernelModule six = found()) {
      assertEquals(Dialect.UPSTREAM_6, six.dialect());
    }
    try (KernelModule seven = found()) {
      assertEquals(Dialect.UPSTREAM_7, seven.dialect());
      assertTrue(seven.features().contains(ModuleFeature.STORAGE_FILE));
    }
    assertEquals("0000000000000000ffffffffffffffff" + "00".repeat(16), kernel.arguments.get(0));
  }

  @Test
  void anUpstreamThatAnswersSomethingElseFitsNoDialect() throws Exception {
    tree.node("blksnap-control", Kind.CHARACTER).module("blksnap", FakeTree.UPSTREAM_PARAMETERS);
    kernel.on(Upstream.CREATE_CALL, argument -> -Errno.EBUSY.code());
    assertEquals(Errno.ENOSYS, refusal().errno());
    assertEquals(0, kernel.open.size());
  }

  @Test
  void linux615IsFoundByTheParameterItLacks() throws Exception {
    tree.node("blksnap-control", Kind.CHARACTER)
        .module("blksnap", FakeTree.UPSTREAM_615_PARAMETERS);
    try (KernelModule module = found()) {
      assertEquals(Dialect.UPSTREAM_6_15, module.dialect());
      assertTrue(module.features().contains(ModuleFeature.NO_SPACE));
    }
    assertEquals(0, kernel.arguments.size(), "nothing is asked where files tell");
  }

  @Test
  void veeamSevenIsFoundWithItsNodeOfFilters() throws Exception {
    tree.node("veeamblksnap", Kind.CHARACTER)
        .node("bdevfilter", Kind.CHARACTER)
        .module("veeamblksnap", FakeTree.UPSTREAM_PARAMETERS);
    try (KernelModule module = found()) {
      assertEquals(Dialect.VEEAM_7, module.dialect());
    }
    assertEquals(0, kernel.open.size());
  }

  @Test
  void veeamSixIsFoundByTheParameterItAloneHas() throws Exception {
    tree.node("veeamblksnap", Kind.CHARACTER).module("veeamblksnap", FakeTree.VEEAM_6_PARAMETERS);
    try (KernelModule module = found()) {
      assertEquals(Dialect.VEEAM_6, module.dialect());
      assertTrue(!module.features().contains(ModuleFeature.ADD_DEVICE));
    }
  }

  @Test
  void whatFitsNoDialectIsSaidWithWhatWasSeen() throws Exception {
    tree.node("blksnap-control", Kind.CHARACTER).module("blksnap", "something=1");
    BlksnapException refusal = refusal();
    assertEquals(Errno.ENOSYS, refusal.errno());
    assertTrue(refusal.getMessage().contains("something"), refusal.getMessage());
    assertTrue(refusal.getMessage().contains("blksnap-control: a character device"));
    assertEquals(List.of(), kernel.asked, "nothing is opened that is not known");
  }

  @Test
  void aPlainFileInTheNodesPlaceFitsNoDialect() throws Exception {
    tree.node("blksnap-control", Kind.OTHER).module("blksnap", FakeTree.SEED_PARAMETERS);
    BlksnapException refusal = refusal();
    assertEquals(Errno.ENOSYS, refusal.errno());
    assertTrue(refusal.getMessage().contains("no device"), refusal.getMessage());
    assertEquals(List.of(), kernel.asked);
  }

  @Test
  void veeamSevenWithoutItsNodeOfFiltersFitsNoDialect() throws Exception {
    tree.node("veeamblksnap", Kind.CHARACTER).module("veeamblksnap", FakeTree.UPSTREAM_PARAMETERS);
    assertEquals(Errno.ENOSYS, refusal().errno());
  }

  @Test
  void whatMayNotBeOpenedIsSaidWithTheRightThatIsMissing() throws Exception {
    tree.node("blksnap-control", Kind.CHARACTER).module("blksnap", FakeTree.SEED_PARAMETERS);
    kernel.refuseOpen(Errno.EACCES.code());
    BlksnapException refusal = refusal();
    assertEquals(Errno.EACCES, refusal.errno());
    assertTrue(refusal.getMessage().contains("root with mode 0600"), refusal.getMessage());
    kernel.refuseOpen(Errno.EPERM.code());
    assertTrue(refusal().getMessage().contains("CAP_SYS_ADMIN"));
  }

  @Test
  void aNodeOfAModuleThatHasGoneIsNone() throws Exception {
    tree.node("blksnap-control", Kind.CHARACTER).module("blksnap", FakeTree.SEED_PARAMETERS);
    kernel.refuseOpen(Errno.ENXIO.code());
    assertEquals(Optional.empty(), tree.probe(kernel).find());
  }

  @Test
  void aSecondNodeThatCannotBeOpenedGivesTheFirstBack() throws Exception {
    tree.node("veeamblksnap", Kind.CHARACTER)
        .node("bdevfilter", Kind.CHARACTER)
        .module("veeamblksnap", FakeTree.UPSTREAM_PARAMETERS);
    FakeKernel second =
        new FakeKernel() {
          @Override
          public synchronized int open(String path, int flags) {
            return path.endsWith("bdevfilter") ? -Errno.EACCES.code() : super.open(path, flags);
          }
        };
    assertThrows(BlksnapException.class, () -> tree.probe(second).find());
    assertEquals(0, second.open.size());
  }

  @Test
  void nativeCallsThatCannotBeMadeAreSaidOnlyWhereTheyAreNeeded() throws Exception {
    LoadedModuleProbe lame =
        new LoadedModuleProbe(
            tree.devices,
            tree.modules,
            tree.boot,
            tree,
            () -> {
              throw new BlksnapException(Errno.ENOSYS, "no executable directory");
            });
    assertEquals(Optional.empty(), lame.find());
    tree.node("blksnap-control", Kind.CHARACTER).module("blksnap", FakeTree.SEED_PARAMETERS);
    assertEquals(Errno.ENOSYS, assertThrows(BlksnapException.class, lame::find).errno());
    assertTrue(lame.incarnation().isPresent());
  }

  @Test
  void anIncarnationIsTheSameAsLongAsTheModuleIsLoaded() throws Exception {
    tree.node("blksnap-control", Kind.CHARACTER).module("blksnap", FakeTree.SEED_PARAMETERS);
    LoadedModuleProbe probe = tree.probe(kernel);
    String life = probe.incarnation().orElseThrow();
    Files.writeString(tree.parameters("blksnap").resolve("chunk_minimum_shift"), "20\n");
    Files.setPosixFilePermissions(
        tree.devices.resolve("blksnap-control"),
        java.nio.file.attribute.PosixFilePermissions.fromString("rw-rw----"));
    probe.find().orElseThrow().close();
    assertEquals(life, probe.incarnation().orElseThrow());
  }

  @Test
  void aReloadOrABootIsAnotherIncarnation() throws Exception {
    tree.node("blksnap-control", Kind.CHARACTER).module("blksnap", FakeTree.SEED_PARAMETERS);
    LoadedModuleProbe probe = tree.probe(kernel);
    String life = probe.incarnation().orElseThrow();
    Files.writeString(tree.boot, "another-boot\n");
    String booted = probe.incarnation().orElseThrow();
    assertNotEquals(life, booted);
    Files.move(tree.modules.resolve("blksnap"), tree.modules.resolve("gone"));
    assertEquals(Optional.empty(), probe.incarnation());
    tree.module("blksnap", FakeTree.SEED_PARAMETERS);
    assertNotEquals(booted, probe.incarnation().orElseThrow());
  }

  @Test
  void theRealSysfsNumbersItsDirectories() throws Exception {
    Path any = Path.of("/sys/kernel");
    assertEquals(Files.getAttribute(any, "unix:ino"), Files.getAttribute(any, "unix:ino"));
    assertNotEquals(
        Files.getAttribute(any, "unix:ino"), Files.getAttribute(Path.of("/sys/bus"), "unix:ino"));
  }

  @Test
  void theDoctorSaysWhatIsLoaded() throws Exception {
    Finding none = new ModuleExamination(tree.probe(kernel)).examine().get(0);
    assertEquals(Severity.OK, none.severity());
    assertTrue(none.observation().contains("none is loaded"), none.toString());
    tree.node("blksnap-control", Kind.CHARACTER).module("blksnap", FakeTree.SEED_PARAMETERS);
    kernel.on(
        Seed.VERSION_CALL,
        argument -> {
          Seed.VERSION_MAJOR.put(argument, 2);
          return 0;
        });
    Finding seed = new ModuleExamination(tree.probe(kernel)).examine().get(0);
    assertEquals(Severity.OK, seed.severity());
    assertTrue(seed.observation().contains("says version 2.0.0.0"), seed.toString());
    assertTrue(seed.observation().contains("storage is given in ranges"), seed.toString());
    kernel.refuseOpen(Errno.EACCES.code());
    Finding barred = new ModuleExamination(tree.probe(kernel)).examine().get(0);
    assertEquals(Severity.WARNING, barred.severity());
    assertTrue(barred.observation().contains("EACCES"), barred.toString());
    assertEquals(0, kernel.open.size());
  }

  @Test
  void theDoctorSaysThatAModuleIsUnknown() throws Exception {
    tree.node("blksnap-control", Kind.CHARACTER).module("blksnap", "something=1");
    Finding unknown = new ModuleExamination(tree.probe(kernel)).examine().get(0);
    assertEquals(Severity.WARNING, unknown.severity());
    assertTrue(unknown.remedy().contains("load a module that is known"), unknown.toString());
  }

  @Test
  void theSystemsLookTellsKindsAndNumbers() throws Exception {
    NodeLook look = NodeLook.system();
    assertEquals(Kind.CHARACTER, look.kind(Path.of("/dev/null")));
    assertEquals(Kind.OTHER, look.kind(root));
    assertEquals(Kind.NONE, look.kind(root.resolve("missing")));
    assertEquals(1, NodeLook.major(look.number(Path.of("/dev/null"))));
    assertEquals(3, NodeLook.minor(look.number(Path.of("/dev/null"))));
    assertEquals(0xabc, NodeLook.major(0x0000_0000_004a_bc05L));
    assertEquals(0x405, NodeLook.minor(0x0000_0000_004a_bc05L));
  }
}
