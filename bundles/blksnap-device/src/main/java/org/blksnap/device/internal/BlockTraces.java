// SPDX-License-Identifier: Apache-2.0
package org.blksnap.device.internal;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.blksnap.linux.proc.DeviceNumber;
import org.blksnap.spi.device.Trace;

/**
 * Where the system tells of writes to a block device, and what that amounts to.
 *
 * <p>Every node through which its content can be reached has a cache of its own, so all are forced
 * first: the device's, and its disk's or its partitions'. Then: size, disk sequence number, the
 * number of its directory in /sys (another one once a partition or disk was made anew, when the
 * counters begin at 0 again), sectors written and discarded; of a partition also what was written
 * to its disk past all partitions; of a loop device also its file's stamps, or all this of the
 * device behind it.
 *
 * <p>Nothing is proven where counters are switched off, where all stand at 0 (some drivers count
 * nothing), and where a loop device's file is not found or lies in memory.
 */
final class BlockTraces {
  /** Words of /sys/dev/block/M:N/stat, counted from 0. */
  private static final int SECTORS_READ = 2;

  private static final int SECTORS_WRITTEN = 6;
  private static final int SECTORS_DISCARDED = 13;
  private static final int FEWEST_WORDS = 11;

  private final Path node;
  private final DeviceNumber number;
  private final SysBlock sys;
  private final Topology topology;

  BlockTraces(Path node, DeviceNumber number, SysBlock sys, Topology topology) {
    this.node = node;
    this.number = number;
    this.sys = sys;
    this.topology = topology;
  }

  List<Trace> list() {
    Set<Trace> traces = new LinkedHashSet<>();
    force(node, number, traces);
    tell(number, traces);
    return new ArrayList<>(traces);
  }

  private void force(Path of, DeviceNumber device, Set<Trace> traces) {
    traces.add(new Trace(Trace.Kind.FORCE, of));
    List<DeviceNumber> others =
        sys.partition(device) ? List.of(sys.disk(device)) : sys.family(device);
    for (DeviceNumber other : others) {
      if (!other.equals(device)) {
        node(other).ifPresent(path -> traces.add(new Trace(Trace.Kind.FORCE, path)));
      }
    }
    backingDevice(device).ifPresent(file -> force(backingPath(device), file.number(), traces));
  }

  /** Its node by the kernel's name, where there is one of this number. */
  private Optional<Path> node(DeviceNumber device) {
    Path path = Path.of("/dev", sys.name(device).replace('!', '/'));
    return FileStat.find(path)
        .filter(stat -> stat.block() && stat.number().equals(device))
        .map(stat -> path);
  }

  private void tell(DeviceNumber device, Set<Trace> traces) {
    traces.add(directory(device));
    traces.add(text(device, "size"));
    traces.add(text(sys.disk(device), "diskseq"));
    traces.add(text(sys.disk(device), "queue/iostats"));
    traces.add(text(device, "stat"));
    if (sys.partition(device)) {
      sys.family(sys.disk(device)).forEach(member -> traces.add(text(member, "stat")));
    }
    if (backingDevice(device).isPresent()) {
      tell(backingDevice(device).get().number(), traces);
    } else if (loop(device)) {
      traces.add(new Trace(Trace.Kind.STAT, backingPath(device)));
    }
  }

  private Trace directory(DeviceNumber device) {
    return new Trace(Trace.Kind.STAT, sys.link(device));
  }

  private Trace text(DeviceNumber device, String file) {
    return new Trace(Trace.Kind.TEXT, sys.link(device).resolve(file));
  }

  private boolean loop(DeviceNumber device) {
    return sys.loopBacking(device).isPresent();
  }

  private Path backingPath(DeviceNumber device) {
    return sys.loopBacking(device).orElseThrow();
  }

  /** The block device behind a loop device. */
  private Optional<FileStat> backingDevice(DeviceNumber device) {
    return sys.loopBacking(device).flatMap(FileStat::find).filter(FileStat::block);
  }

  /** What the readings amount to, without the boot in which they were made. */
  Optional<String> amount(Map<Trace, String> readings) {
    try {
      StringBuilder text = new StringBuilder();
      for (Trace trace : list()) {
        String reading = reading(trace, readings);
        if (trace.kind() == Trace.Kind.FORCE && !reading.equals(Trace.FORCED)) {
          throw new Unproven(trace + " was not forced");
        }
      }
      amount(number, readings, text);
      return Optional.of(text.toString());
    } catch (Unproven | NumberFormatException nothing) {
      return Optional.empty();
    }
  }

  /** A reading is missing or says that nothing is counted. */
  private static final class Unproven extends IOException {
    private static final long serialVersionUID = 1L;

    Unproven(String why) {
      super(why);
    }
  }

  private static String reading(Trace trace, Map<Trace, String> readings) throws Unproven {
    String reading = readings.get(trace);
    if (reading == null) {
      throw new Unproven("no reading of " + trace);
    }
    return reading;
  }

  private void amount(DeviceNumber device, Map<Trace, String> readings, StringBuilder text)
      throws Unproven {
    DeviceNumber disk = sys.disk(device);
    if (reading(text(disk, "queue/iostats"), readings).equals("0")) {
      throw new Unproven("counters are switched off");
    }
    long[] own = counters(device, readings);
    if (own[0] + own[1] + own[2] == 0) {
      throw new Unproven("nothing tells that anything is counted");
    }
    text.append(reading(text(device, "size"), readings));
    text.append(" disk ").append(reading(text(disk, "diskseq"), readings));
    text.append(" node ").append(stat(directory(device), readings).ino());
    text.append(" written ").append(own[1]).append(" discarded ").append(own[2]);
    if (sys.partition(device)) {
      long[] past = new long[own.length];
      for (DeviceNumber member : sys.family(disk)) {
        long[] of = counters(member, readings);
        for (int i = 0; i < past.length; i++) {
          past[i] += member.equals(disk) ? of[i] : -of[i];
        }
      }
      text.append(" past ").append(past[1]).append(' ').append(past[2]);
    }
    Optional<FileStat> behind = backingDevice(device);
    if (behind.isPresent()) {
      text.append(" over ");
      amount(behind.get().number(), readings, text);
    } else if (loop(device)) {
      FileStat file = stat(new Trace(Trace.Kind.STAT, backingPath(device)), readings);
      if (!file.stamped()) {
        throw new Unproven("stamps beyond what can be told apart");
      }
      if (!topology.stampsTellAll(backingPath(device))) {
        throw new Unproven("a file in memory, whose stamps do not tell all");
      }
      text.append(" over ").append(RegularFile.fingerprint(file));
    }
  }

  private static FileStat stat(Trace trace, Map<Trace, String> readings) throws Unproven {
    return FileStat.ofReading(reading(trace, readings))
        .orElseThrow(() -> new Unproven("no stat of " + trace));
  }

  /** Sectors read, written, discarded. */
  private long[] counters(DeviceNumber device, Map<Trace, String> readings) throws Unproven {
    String[] words = reading(text(device, "stat"), readings).split(",", -1);
    if (words.length < FEWEST_WORDS) {
      throw new Unproven("no counters");
    }
    return new long[] {
      Long.parseLong(words[SECTORS_READ]),
      Long.parseLong(words[SECTORS_WRITTEN]),
      words.length > SECTORS_DISCARDED ? Long.parseLong(words[SECTORS_DISCARDED]) : 0
    };
  }
}
