// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.dispatch;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import java.util.function.Supplier;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.snapshot.SnapshotService;
import org.blksnap.ioctl.internal.layout.Layout;
import org.blksnap.ioctl.internal.layout.Seed;

/**
 * Random calls with random memory. What is drawn is near to what is right, so that calls get far:
 * an id that exists or did, a pointer to the middle, the edge, or nowhere, a count of a few or of
 * far too many. After each call: an errno and no exception; after a refusal the engine as it was;
 * and nothing lent that was not given back. One thread.
 */
public final class CallFuzz {
  /** What is called. */
  public interface Subject {
    SnapshotService engine();

    /** All that a call may change; compared by equals. */
    Object state();

    /** On which calls are made; the first is the control device. */
    List<Target> targets();

    /** Paths that storage may be given from. */
    List<String> paths();

    /** Bytes of storage a path has. */
    long storageSize();
  }

  private static final int MOST_SNAPSHOTS = 6;
  private static final int SIZE = 1 << 13;
  private static final int[] COMMANDS = {0, 1, 2, 3, 4, 5, -1, 256};

  private final Random random;
  private final Subject subject;
  private final ProgramMemory memory = new ProgramMemory(SIZE);
  private final ArrayMemory arrays = new ArrayMemory();
  private final ControlDispatcher dispatcher;
  private final List<UUID> ids = new ArrayList<>();
  private final int[] answers = new int[256];

  public CallFuzz(long seed, Subject subject) {
    random = new Random(seed);
    this.subject = subject;
    Supplier<SnapshotService> engine = () -> random.nextInt(500) == 0 ? null : subject.engine();
    dispatcher = new ControlDispatcher(engine, Duration.ZERO, arrays);
  }

  /** How often each errno was answered. */
  public int[] answers() {
    return answers;
  }

  /**
   * Makes one call.
   *
   * @throws AssertionError something is not as it has to be
   */
  public void call() {
    Target target = pick(subject.targets());
    int word = word(target);
    int struct = random.nextInt(8) == 0 ? SIZE - random.nextInt(64) : random.nextInt(2048);
    long argument = random.nextInt(20) == 0 ? wild() : ProgramMemory.BASE + struct;
    fill(struct, target, word);
    Object before = subject.state();
    memory.readOnly(random.nextInt(16) == 0 ? random.nextInt(SIZE) : SIZE);
    memory.goneAfter(random.nextInt(40) == 0 ? random.nextInt(4) : Integer.MAX_VALUE);
    memory.interruptedAfter(random.nextInt(3));
    int answer;
    try {
      answer = dispatcher.call(target, word, argument, memory);
    } catch (CallerGone e) {
      answer = -1;
    } catch (RuntimeException | Error e) {
      throw new AssertionError(what(target, word, argument), e);
    }
    check(answer < answers.length, "answer " + answer, target, word, argument);
    check(arrays.free() == ArrayMemory.MOST, "memory is lent", target, word, argument);
    if (answer > 0) {
      check(before.equals(subject.state()), "refused, but changed", target, word, argument);
    }
    if (answer >= 0) {
      answers[answer]++;
    }
    if (answer == 0 && target == Target.CONTROL && (word & 0xff) == Seed.NR_CREATE) {
      ids.add(Seed.UUID_B.uuid(at((int) (argument - ProgramMemory.BASE))));
    }
    if (ids.size() > MOST_SNAPSHOTS) {
      destroy(ids.remove(random.nextInt(ids.size())));
    }
  }

  /** So that there are few; it may be destroyed already. */
  private void destroy(UUID id) {
    if (subject.engine().collect().contains(id)) {
      try {
        subject.engine().destroy(id);
      } catch (BlksnapException e) {
        throw new AssertionError("snapshot " + id + " is not destroyed", e);
      }
    }
  }

  private static void check(boolean holds, String what, Target target, int word, long argument) {
    if (!holds) {
      throw new AssertionError(what + ": " + what(target, word, argument));
    }
  }

  private static String what(Target target, int word, long argument) {
    return Integer.toHexString(word) + " on " + target + " with " + Long.toHexString(argument);
  }

  private <T> T pick(List<T> choices) {
    return choices.get(random.nextInt(choices.size()));
  }

  private int word(Target target) {
    int number =
        target == Target.CONTROL
            ? random.nextInt(random.nextInt(10) == 0 ? 256 : Seed.NR_WAIT_EVENT + 1)
            : Seed.NR_ATTACH + random.nextInt(random.nextInt(10) == 0 ? 8 : 3);
    int magic = random.nextInt(50) == 0 ? random.nextInt(256) : Seed.FILTER_MAGIC;
    return random.nextInt() << 16 | magic << 8 | number;
  }

  private ByteBuffer at(int offset) {
    return Layout.buffer(memory.bytes().duplicate().position(offset).slice());
  }

  private long wild() {
    return switch (random.nextInt(4)) {
      case 0 -> 0;
      case 1 -> random.nextLong();
      case 2 -> -1 - random.nextInt(70000);
      default -> ProgramMemory.BASE + SIZE - 16 + random.nextInt(32);
    };
  }

  /** To the array that all memory behind 4096 is. */
  private long pointer() {
    return random.nextInt(12) == 0 ? wild() : ProgramMemory.BASE + 4096 + 16L * random.nextInt(64);
  }

  private long count() {
    return switch (random.nextInt(12)) {
      case 0 -> random.nextInt() & 0xffffffffL;
      case 1 -> random.nextInt(1 << 21);
      default -> random.nextInt(5);
    };
  }

  private UUID id() {
    return ids.isEmpty() || random.nextInt(8) == 0
        ? new UUID(random.nextLong(), random.nextLong())
        : pick(ids);
  }

  /** The structs are as large as they are said to be only where they fit. */
  private void fill(int struct, Target target, int word) {
    array();
    ByteBuffer whole = Layout.buffer(ByteBuffer.allocate(Seed.EVENT.size()));
    if (target == Target.CONTROL) {
      control(whole, word & 0xff);
    } else {
      filter(whole, word & 0xff);
    }
    memory.bytes().put(struct, whole.array(), 0, Math.min(64, SIZE - struct));
  }

  private void control(ByteBuffer struct, int number) {
    Seed.UUID_B.put(struct, id());
    switch (number) {
      case Seed.NR_APPEND_STORAGE -> {
        byte[] path = pick(subject.paths()).getBytes(StandardCharsets.UTF_8);
        at(2560).put(0, path).put(path.length, (byte) 0);
        boolean good = random.nextInt(8) > 0;
        Seed.APPEND_PATH.put(struct, good ? ProgramMemory.BASE + 2560 : wild());
        Seed.APPEND_PATH_SIZE.put(struct, good ? path.length + random.nextInt(2) : count());
        Seed.APPEND_COUNT.put(struct, count());
        Seed.APPEND_RANGES.put(struct, pointer());
      }
      case Seed.NR_COLLECT -> {
        Seed.COLLECT_COUNT.put(struct, count());
        Seed.COLLECT_IDS.put(struct, random.nextInt(4) == 0 ? 0 : pointer());
      }
      case Seed.NR_WAIT_EVENT ->
          Seed.EVENT_TIMEOUT.put(struct, random.nextInt(4) == 0 ? random.nextInt() : 0);
      default -> {}
    }
  }

  private void filter(ByteBuffer struct, int number) {
    Seed.NAME_NAME.put(struct, random.nextInt(12) == 0 ? "blksnap" + count() : Seed.FILTER_NAME);
    if (number != Seed.NR_CTL) {
      return;
    }
    int command = COMMANDS[random.nextInt(COMMANDS.length)];
    int option = 2048 + random.nextInt(256);
    Seed.CTL_CMD.put(struct, command);
    Seed.CTL_OPTLEN.put(struct, random.nextInt(8) == 0 ? random.nextInt(40) : 40);
    Seed.CTL_OPT.put(struct, random.nextInt(12) == 0 ? wild() : ProgramMemory.BASE + option);
    ByteBuffer given = at(option);
    if (command == Seed.CTL_SNAPSHOTADD) {
      Seed.SNAPSHOTADD_ID.put(given, id());
    } else {
      // Of the map: offset, length, buffer; of dirty: count, ranges.
      given.putInt(0, (int) count()).putInt(4, (int) count()).putLong(8, pointer());
    }
  }

  /** Ranges that are mostly inside. */
  private void array() {
    long sectors = subject.storageSize() / 512;
    ByteBuffer array = at(4096);
    for (int i = 0; i < 80; i++) {
      boolean wild = random.nextInt(30) == 0;
      array.putLong(16 * i, wild ? random.nextLong() : random.nextLong(sectors) & -8L);
      array.putLong(16 * i + 8, wild ? random.nextLong() : 8);
    }
  }
}
