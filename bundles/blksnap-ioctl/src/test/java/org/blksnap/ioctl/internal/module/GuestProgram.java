// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.module;

import static org.blksnap.ioctl.internal.module.GuestSteps.check;
import static org.blksnap.ioctl.internal.module.GuestSteps.refuses;
import static org.blksnap.ioctl.internal.module.GuestSteps.step;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.UUID;
import org.blksnap.api.block.ByteRange;
import org.blksnap.api.block.Errno;
import org.blksnap.api.snapshot.Version;
import org.blksnap.spi.module.Dialect;
import org.blksnap.spi.module.KernelModule;
import org.blksnap.spi.module.MemberState;
import org.blksnap.spi.module.SnapshotSeed;
import org.blksnap.spi.module.TrackerState;

/**
 * The bridge against the real module, in the guest of native-module/tests (test_java_01.sh): every
 * call, right and wrong, with what the module does for it looked at on the devices.
 */
public final class GuestProgram {
  private static final int MIB = 1 << 20;

  private static final List<String> KNOWN =
      List.of(
          "tracking_block_minimum_shift",
          "tracking_block_maximum_count",
          "tracking_block_maximum_shift",
          "chunk_minimum_shift",
          "chunk_maximum_count",
          "chunk_maximum_shift",
          "chunk_maximum_in_queue",
          "free_diff_buffer_pool_size",
          "diff_storage_minimum");

  private final LoadedModuleProbe probe = new LoadedModuleProbe();
  private final Path disk;
  private final Path storage;
  private final KernelModule module;
  private final long seed = Long.getLong("seed", System.nanoTime());

  private GuestProgram(Path disk, Path storage) throws IOException {
    this.disk = disk;
    this.storage = storage;
    module = probe.find().orElseThrow(() -> new AssertionError("no module: " + probe.seen()));
  }

  /** Arguments: the device, the device of the storage, the module's file. */
  public static void main(String[] args) throws Exception {
    GuestProgram program = new GuestProgram(Path.of(args[0]), Path.of(args[1]));
    program.run();
    program.reload(Path.of(args[2]));
    System.out.println("all done");
  }

  private void run() throws Exception {
    System.out.println("libraries are loaded, seed " + seed);
    String life = probe.incarnation().orElseThrow();
    step("version", this::version);
    step("parameters", this::parameters);
    step("attach", this::attach);
    step("snapshots", this::snapshots);
    step("map", this::map);
    GuestEvents events = new GuestEvents(module, new Random(seed));
    step("events", events::events);
    step("closed waits", events::closedWaits);
    step("no event is lost", events::noEventIsLost);
    step("detach", this::detach);
    step("cost", this::cost);
    check(life.equals(probe.incarnation().orElseThrow()), "another incarnation: " + life);
    module.close();
    refuses(Errno.EBADF, module::version);
  }

  private void version() throws Exception {
    check(module.dialect() == Dialect.SEED, "dialect " + module.dialect());
    check(module.version().equals(Version.INTERFACE), "version " + module.version());
    check(module.modification().isEmpty(), "modification");
    check(module.collect().isEmpty(), "snapshots are left");
    check(
        new ModuleExamination().examine().toString().contains("says version 2.0.0.0"),
        new ModuleExamination().examine().toString());
  }

  private void parameters() throws Exception {
    Map<String, Long> all = module.parameters();
    check(all.keySet().containsAll(KNOWN), "parameters " + all);
    check(all.keySet().iterator().next().equals("tracking_block_minimum_shift"), all.toString());
    module.setParameter("chunk_minimum_shift", 19);
    check(module.parameters().get("chunk_minimum_shift") == 19, "not set");
    refuses(Errno.EINVAL, () -> module.setParameter("chunk_minimum_shift", 99));
    refuses(Errno.ENOENT, () -> module.setParameter("no_such", 1));
    module.setParameter("chunk_minimum_shift", all.get("chunk_minimum_shift"));
    check(module.parameters().equals(all), "not set back");
  }

  private void attach() throws Exception {
    refuses(Errno.ENOENT, () -> module.tracker(disk));
    refuses(Errno.ENOTBLK, () -> module.tracker(Path.of("/dev/null")));
    refuses(Errno.ENOENT, () -> module.attach(Path.of("/dev/no-such-disk")));
    module.attach(disk);
    refuses(Errno.EALREADY, () -> module.attach(disk));
    TrackerState state = module.tracker(disk);
    try (FileChannel device = FileChannel.open(disk)) {
      check(state.capacity() == device.size(), state.toString());
    }
    check(state.changesNumber() == 0, state.toString());
    check((long) state.blockSize() * state.blockCount() >= state.capacity(), state.toString());
    check(module.member(disk).equals(new MemberState(Errno.OK, 0, "")), "a member of nothing");
  }

  /** A snapshot with its storage in more ranges than one call takes. */
  private UUID taken() throws Exception {
    UUID id = module.create(SnapshotSeed.NONE);
    module.addDevice(id, disk);
    List<ByteRange> ranges = new ArrayList<>();
    for (int i = 0; i < SectorRanges.SLICE + 10; i++) {
      ranges.add(new ByteRange((long) i * 8192, 8192));
    }
    ranges.add(new ByteRange(768L * MIB, 128L * MIB));
    module.appendStorage(id, storage, ranges);
    module.take(id);
    return id;
  }

  private void snapshots() throws Exception {
    write(0, (byte) 1);
    refuses(Errno.ENODEV, () -> module.destroy(UUID.randomUUID()));
    refuses(Errno.ESRCH, () -> module.take(UUID.randomUUID()));
    UUID empty = module.create(SnapshotSeed.NONE);
    refuses(Errno.ENODEV, () -> module.take(empty));
    refuses(
        Errno.EINVAL, () -> module.appendStorage(empty, storage, List.of(new ByteRange(0, 100))));
    refuses(
        Errno.ENOENT,
        () -> module.appendStorage(empty, Path.of("/dev/no"), List.of(new ByteRange(0, 4096))));
    module.destroy(empty);
    UUID id = taken();
    check(module.collect().equals(List.of(id)), "collect " + module.collect());
    refuses(Errno.EALREADY, () -> module.take(id));
    refuses(Errno.EALREADY, () -> module.addDevice(id, disk));
    MemberState member = module.member(disk);
    check(member.error() == Errno.OK, member.toString());
    Path image = module.imageNode(member.image());
    check(NodeLook.system().kind(image) == NodeLook.Kind.BLOCK, "no image at " + image);
    write(0, (byte) 2);
    check(read(image) == 1, "the image has " + read(image));
    check(read(disk) == 2, "the device has " + read(disk));
    module.destroy(id);
    check(module.collect().isEmpty(), "collect after destroy");
  }

  private void map() throws Exception {
    TrackerState before = module.tracker(disk);
    int blocks = before.blockCount();
    long block = before.blockSize();
    write(5 * block, (byte) 3);
    module.markDirty(
        disk,
        List.of(
            new ByteRange(9 * block, block),
            new ByteRange(11 * block, 512),
            new ByteRange((blocks - 1) * block, 512)));
    refuses(
        Errno.EINVAL, () -> module.markDirty(disk, List.of(new ByteRange(before.capacity(), 512))));
    UUID id = taken();
    TrackerState after = module.tracker(disk);
    check(after.generation().equals(before.generation()), "generation");
    check(after.changesNumber() == before.changesNumber() + 1, after.toString());
    ByteBuffer direct = ByteBuffer.allocateDirect(blocks + 7).position(7);
    check(module.readMap(disk, 0, direct) == blocks, "length");
    for (int i = 0; i < blocks; i++) {
      boolean changed = i == 0 || i == 5 || i == 9 || i == 11 || i == blocks - 1;
      boolean named = Byte.toUnsignedInt(direct.get(7 + i)) > before.changesNumber();
      check(changed == named, "block " + i + " is " + direct.get(7 + i));
    }
    ByteBuffer heap = ByteBuffer.allocate(blocks);
    check(module.readMap(disk, 3, heap) == blocks - 3, "length");
    check(heap.flip().equals(direct.duplicate().position(10)), "another map by way of the heap");
    check(module.readMap(disk, blocks, ByteBuffer.allocateDirect(1)) == 0, "at the end");
    refuses(Errno.EINVAL, () -> module.readMap(disk, blocks + 1L, ByteBuffer.allocateDirect(1)));
    refuses(Errno.EINVAL, () -> module.readMap(disk, 1L << 32, ByteBuffer.allocateDirect(1)));
    module.destroy(id);
  }

  private void detach() throws Exception {
    module.detach(disk);
    refuses(Errno.ENOENT, () -> module.detach(disk));
    refuses(Errno.ENOENT, () -> module.tracker(disk));
  }

  /** A map of 2 MiB: 1 GiB in blocks of 512 bytes. Figures are those of the emulator. */
  private void cost() throws Exception {
    long shift = module.parameters().get("tracking_block_minimum_shift");
    module.setParameter("tracking_block_minimum_shift", 9);
    module.attach(storage);
    module.setParameter("tracking_block_minimum_shift", shift);
    TrackerState state = module.tracker(storage);
    ByteBuffer map = ByteBuffer.allocateDirect(state.blockCount());
    ModuleCalls calls = LibcModuleCalls.load();
    long raw = each(2000, calls::thread);
    long version = each(2000, module::version);
    long tracker = each(500, () -> module.tracker(storage));
    long read = each(20, () -> check(module.readMap(storage, 0, map.clear()) > 0, "nothing"));
    System.out.printf(
        "version %d us, cbtinfo %d us, map of %d bytes %d us, gettid %d us%n",
        version / 1000, tracker / 1000, map.capacity(), read / 1000, raw / 1000);
    module.detach(storage);
  }

  private static long each(int times, GuestSteps.Step step) throws Exception {
    for (int i = 0; i < times / 2; i++) {
      step.make();
    }
    long began = System.nanoTime();
    for (int i = 0; i < times; i++) {
      step.make();
    }
    return (System.nanoTime() - began) / times;
  }

  /** A module that is loaded anew is another one; while none is there, that is said. */
  private void reload(Path file) throws Exception {
    String before = probe.incarnation().orElseThrow();
    step(
        "reload",
        () -> {
          command("rmmod", "blksnap");
          check(probe.incarnation().isEmpty(), "an incarnation of nothing");
          check(probe.find().isEmpty(), "found nothing loaded");
          command("insmod", file.toString());
          while (!Files.exists(Path.of("/dev/blksnap-control"))) {
            Thread.sleep(10);
          }
          String after = probe.incarnation().orElseThrow();
          check(!after.equals(before), "the same incarnation " + after);
          try (KernelModule found = probe.find().orElseThrow()) {
            check(found.collect().isEmpty(), "collect");
          }
          System.out.println(before + " then " + after);
        });
  }

  private static void command(String... words) throws Exception {
    Process process = new ProcessBuilder(words).inheritIO().start();
    check(process.waitFor() == 0, String.join(" ", words));
  }

  private void write(long at, byte value) throws IOException {
    ByteBuffer page = ByteBuffer.allocateDirect(4096);
    for (int i = 0; i < page.capacity(); i++) {
      page.put(i, value);
    }
    try (FileChannel device = FileChannel.open(disk, StandardOpenOption.WRITE)) {
      device.write(page, at);
      device.force(true);
    }
  }

  private static int read(Path device) throws IOException {
    ByteBuffer page = ByteBuffer.allocateDirect(4096);
    try (FileChannel channel = FileChannel.open(device)) {
      channel.read(page, 0);
    }
    return page.get(17);
  }
}
