// SPDX-License-Identifier: Apache-2.0
package org.blksnap.itests.karaf;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.Closeable;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.BitSet;

/**
 * A disk under a verified load with a snapshot held, all by commands and NBD, and what has to be
 * true of it. Nothing here touches a class of blksnap: a test wired to the API would be restarted
 * with it.
 */
final class SwappedDisk implements Closeable {
  private static final String NAME = "swapped";
  private static final int PIECE = 1 << 20;

  private final Shell shell;
  private final Path file;
  private final boolean blockDevice;
  private final Path storage;
  private final PageOracle oracle;
  private LoopDevice loop;
  private VerifiedLoad load;
  private String generation;
  private String snapshot;
  private String image;
  private int[] atTheTake;

  SwappedDisk(Shell shell, Path directory, int bytes, long seed, boolean blockDevice)
      throws Exception {
    this.shell = shell;
    this.file = directory.resolve(NAME + ".img");
    this.storage = Files.createDirectories(directory.resolve(NAME + "-diff"));
    this.blockDevice = blockDevice;
    this.oracle = new PageOracle(seed, bytes / PageOracle.PAGE);
    byte[] page = new byte[PageOracle.PAGE];
    try (OutputStream out = Files.newOutputStream(file)) {
      for (int i = 0; i < oracle.pages(); i++) {
        oracle.content(i, 0, page);
        out.write(page);
      }
    }
  }

  /** Attached, under load, a snapshot taken. To be closed also where it fails. */
  void start() throws Exception {
    if (blockDevice) {
      loop = new LoopDevice(file);
    }
    Path device = blockDevice ? loop.node() : file;
    shell.run("blksnap:device-attach --name " + NAME + " " + device);
    Await.until("it is served", DistributionTestBase.PATIENCE, () -> !uri().isEmpty());
    load = new VerifiedLoad(socket(), NAME, oracle);
    load.start();
    Await.until("the load runs", DistributionTestBase.PATIENCE, () -> load.requests() > 0);
    load.whileAtRest(
        () -> {
          take();
          oracle.takeWrittenBlocks();
        });
    generation = info().get("generation_id").getAsString();
  }

  VerifiedLoad load() {
    return load;
  }

  private JsonElement json(String command) throws Exception {
    return JsonParser.parseString(shell.run("blksnap:" + command + " --json"));
  }

  private JsonObject export(String name) throws Exception {
    for (JsonElement row : json("export-list").getAsJsonArray()) {
      if (row.getAsJsonObject().get("name").getAsString().equals(name)) {
        return row.getAsJsonObject();
      }
    }
    throw new AssertionError(name + " is not served");
  }

  private String uri() throws Exception {
    return export(NAME).get("uri").getAsString();
  }

  private Path socket() throws Exception {
    String uri = uri();
    return Path.of(uri.substring(uri.indexOf("socket=") + "socket=".length()));
  }

  private JsonObject info() throws Exception {
    return json("cbt-info " + NAME).getAsJsonObject();
  }

  private JsonObject row() throws Exception {
    for (JsonElement row : json("device-list").getAsJsonArray()) {
      if (row.getAsJsonObject().get("name").getAsString().equals(NAME)) {
        return row.getAsJsonObject();
      }
    }
    throw new AssertionError(NAME + " is not attached any more");
  }

  private void take() throws Exception {
    JsonObject taken =
        json("snapshot --directory " + storage + " --limit 1G " + NAME).getAsJsonObject();
    snapshot = taken.get("id").getAsString();
    image = taken.get("images").getAsJsonArray().get(0).getAsString();
    atTheTake = oracle.snapshot();
  }

  /** The image held is exact while the load goes on. */
  void checkImageUnderLoad() throws Exception {
    assertEquals("", differences(image, atTheTake));
  }

  /**
   * With the load at rest: device, image and change map are what the oracle says, nothing is
   * unwell, and the next snapshot takes the place of the one held.
   */
  void checkAtRest() throws Exception {
    load.whileAtRest(
        () -> {
          assertEquals("", differences(NAME, oracle.snapshot()));
          assertEquals("", differences(image, atTheTake));
          checkWell();
          shell.run("blksnap:snapshot-destroy " + snapshot);
          take();
          assertEquals(oracle.takeWrittenBlocks(), changed());
          assertEquals(generation, info().get("generation_id").getAsString());
        });
  }

  private void checkWell() throws Exception {
    assertEquals("ok", row().get("condition").getAsString());
    JsonObject held = json("snapshot-info " + snapshot).getAsJsonObject();
    assertEquals("taken", held.get("state").getAsString());
    assertFalse(held.toString(), held.get("overflown").getAsBoolean());
    JsonArray images = held.get("images").getAsJsonArray();
    assertEquals(1, images.size());
    assertEquals(0, images.get(0).getAsJsonObject().get("error_code").getAsInt());
  }

  /** Tracking blocks the change map names as changed between the last two takes. */
  private BitSet changed() throws Exception {
    assertEquals(PageOracle.BLOCK, info().get("block_size").getAsInt());
    BitSet blocks = new BitSet();
    for (JsonElement element : json("cbt-map " + NAME).getAsJsonArray()) {
      JsonObject extent = element.getAsJsonObject();
      if (extent.get("type").getAsInt() == 1) {
        int from = (int) (extent.get("offset").getAsLong() / PageOracle.BLOCK);
        int count = (int) (extent.get("length").getAsLong() / PageOracle.BLOCK);
        blocks.set(from, from + count);
      }
    }
    return blocks;
  }

  /** Empty, or the first page of an export that does not hold this version. */
  private String differences(String export, int[] versions) throws Exception {
    byte[] piece = new byte[PIECE];
    byte[] wanted = new byte[PageOracle.PAGE];
    try (NbdClient client = NbdClient.open(socket(), export)) {
      assertEquals((long) versions.length * PageOracle.PAGE, client.size());
      for (int first = 0; first < versions.length; first += PIECE / PageOracle.PAGE) {
        client.read(piece, (long) first * PageOracle.PAGE);
        for (int i = 0; i < PIECE / PageOracle.PAGE; i++) {
          oracle.content(first + i, versions[first + i], wanted);
          int from = i * PageOracle.PAGE;
          if (!Arrays.equals(piece, from, from + PageOracle.PAGE, wanted, 0, PageOracle.PAGE)) {
            return export + ": page " + (first + i) + " is not version " + versions[first + i];
          }
        }
      }
    }
    return "";
  }

  @Override
  public void close() throws IOException {
    if (load != null) {
      load.close();
    }
    try {
      shell.run("blksnap:snapshot-destroy --all");
      shell.run("blksnap:device-detach " + NAME);
    } catch (Exception e) {
      throw new IOException(NAME + " was not put away", e);
    } finally {
      if (loop != null) {
        loop.close();
      }
      Files.deleteIfExists(file);
    }
  }
}
