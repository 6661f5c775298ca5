// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.layout;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.lang.reflect.Field;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@link Seed} against the module's own header, as a C compiler lays it out. */
class UapiHeaderTest {
  private static final Path UAPI = Path.of("../../native-module/uapi");

  /** The names of the header's numbers here. */
  private static final Map<String, Number> VALUES =
      Map.ofEntries(
          Map.entry("BLKSNAP_IOC_VERSION", Seed.VERSION_CALL),
          Map.entry("BLKSNAP_IOC_SNAPSHOT_CREATE", Seed.CREATE_CALL),
          Map.entry("BLKSNAP_IOC_SNAPSHOT_DESTROY", Seed.DESTROY_CALL),
          Map.entry("BLKSNAP_IOC_SNAPSHOT_APPEND_STORAGE", Seed.APPEND_STORAGE_CALL),
          Map.entry("BLKSNAP_IOC_SNAPSHOT_TAKE", Seed.TAKE_CALL),
          Map.entry("BLKSNAP_IOC_SNAPSHOT_COLLECT", Seed.COLLECT_CALL),
          Map.entry("BLKSNAP_IOC_SNAPSHOT_WAIT_EVENT", Seed.WAIT_EVENT_CALL),
          Map.entry("BLKSNAP_NR_VERSION", Seed.NR_VERSION),
          Map.entry("BLKSNAP_NR_SNAPSHOT_CREATE", Seed.NR_CREATE),
          Map.entry("BLKSNAP_NR_SNAPSHOT_DESTROY", Seed.NR_DESTROY),
          Map.entry("BLKSNAP_NR_SNAPSHOT_APPEND_STORAGE", Seed.NR_APPEND_STORAGE),
          Map.entry("BLKSNAP_NR_SNAPSHOT_TAKE", Seed.NR_TAKE),
          Map.entry("BLKSNAP_NR_SNAPSHOT_COLLECT", Seed.NR_COLLECT),
          Map.entry("BLKSNAP_NR_SNAPSHOT_WAIT_EVENT", Seed.NR_WAIT_EVENT),
          Map.entry("BLKSNAP_IOC_MAGIC", Seed.CONTROL_MAGIC),
          Map.entry("BLKFILTER_IOC_MAGIC", Seed.FILTER_MAGIC),
          Map.entry("BLKFILTER_NR_ATTACH", Seed.NR_ATTACH),
          Map.entry("BLKFILTER_NR_DETACH", Seed.NR_DETACH),
          Map.entry("BLKFILTER_NR_CTL", Seed.NR_CTL),
          Map.entry("BLKFILTER_ATTACH", Seed.ATTACH_CALL),
          Map.entry("BLKFILTER_DETACH", Seed.DETACH_CALL),
          Map.entry("BLKFILTER_CTL", Seed.CTL_CALL),
          Map.entry("BLKFILTER_CTL_CBTINFO", Seed.CTL_CBTINFO),
          Map.entry("BLKFILTER_CTL_CBTMAP", Seed.CTL_CBTMAP),
          Map.entry("BLKFILTER_CTL_CBTDIRTY", Seed.CTL_CBTDIRTY),
          Map.entry("BLKFILTER_CTL_SNAPSHOTADD", Seed.CTL_SNAPSHOTADD),
          Map.entry("BLKFILTER_CTL_SNAPSHOTINFO", Seed.CTL_SNAPSHOTINFO),
          Map.entry("BLKSNAP_EVENT_LOW_FREE_SPACE", Seed.EVENT_LOW_FREE_SPACE),
          Map.entry("BLKSNAP_EVENT_CORRUPTED", Seed.EVENT_CORRUPTED));

  /** What the compiled program printed, without the last words of each line. */
  private static final Map<String, String> PRINTED = new TreeMap<>();

  @TempDir static Path directory;

  @BeforeAll
  static void compileAndRun() throws Exception {
    assumeTrue(Files.isExecutable(Path.of("/usr/bin/gcc")), "SKIPPED: no gcc in /usr/bin");
    assumeTrue(Files.exists(Path.of("/usr/include/linux/ioctl.h")), "SKIPPED: no linux-libc-dev");
    Path program = directory.resolve("uapi_numbers");
    run("gcc", "-Wall", "-Werror", "-I" + UAPI, "-o", "" + program, "src/test/c/uapi_numbers.c");
    for (String line : run(program.toString()).split("\n", -1)) {
      String[] words = line.split(" ", 3);
      if (words.length == 3) {
        PRINTED.put(words[0] + " " + words[1], words[2]);
      }
    }
  }

  private static String run(String... command) throws Exception {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, process.waitFor(), said);
    return said;
  }

  @Test
  void everyNumberIsTheHeaders() {
    Map<String, String> expected = new TreeMap<>();
    VALUES.forEach((name, value) -> expected.put("value " + name, value.toString()));
    Map<String, String> printed = new TreeMap<>(PRINTED);
    printed.keySet().removeIf(name -> !name.startsWith("value "));
    assertEquals(expected, printed);
    assertEquals(Seed.FILTER_NAME, PRINTED.get("text BLKFILTER_NAME"));
    assertEquals("blksnap-control", PRINTED.get("text BLKSNAP_CTL"));
  }

  @Test
  void everyStructAndFieldIsTheHeaders() throws Exception {
    Map<String, String> expected = new TreeMap<>();
    for (Field field : Seed.class.getFields()) {
      if (field.get(null) instanceof Layout struct) {
        expected.put("struct " + struct.name(), "" + struct.size());
        for (Layout.Field part : struct.fields()) {
          expected.put(
              "field " + struct.name() + "." + part.name(), part.offset() + " " + part.size());
        }
      }
    }
    Map<String, String> printed = new TreeMap<>(PRINTED);
    printed.keySet().removeIf(name -> !name.startsWith("struct ") && !name.startsWith("field "));
    assertEquals(expected, printed);
  }

  /** So that what is added to the header is added to the program, and then here. */
  @Test
  void theProgramPrintsEveryStructAndFieldOfTheHeader() throws Exception {
    String header = Files.readString(UAPI.resolve("blksnap.h"));
    Set<String> declared = new TreeSet<>();
    Matcher structs = Pattern.compile("struct (\\w+) \\{([^}]*)\\}").matcher(header);
    while (structs.find()) {
      declared.add("struct " + structs.group(1));
      Matcher fields = Pattern.compile("(\\w+)(\\[\\w+\\])?;").matcher(structs.group(2));
      while (fields.find()) {
        if (!fields.group(1).equals("pad")) {
          declared.add("field " + structs.group(1) + "." + fields.group(1));
        }
      }
    }
    assertTrue(declared.size() > 40, declared.toString());
    Set<String> printed = new TreeSet<>(PRINTED.keySet());
    printed.removeIf(name -> name.startsWith("value ") || name.startsWith("text "));
    assertEquals(declared, printed);
  }
}
