// SPDX-License-Identifier: Apache-2.0
package org.blksnap.device.internal;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.UUID;
import org.blksnap.linux.proc.DeviceNumber;
import org.blksnap.linux.proc.MountTable;
import org.blksnap.linux.proc.MountTable.Mount;
import org.blksnap.spi.node.NodeLabel;
import org.blksnap.spi.node.NodeLabel.Kind;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A file that is attached and served, and a file system on the node of it, as a tree of files. The
 * mount point is a directory of the test, told to bear the node's number.
 */
class NodeTopologyTest {
  @TempDir Path root;
  private Path disk;
  private Path other;
  private Path point;
  private SysBlock sys;

  @BeforeEach
  void makeTree() throws Exception {
    disk = Files.writeString(root.resolve("disk of mine.img"), "disk");
    other = Files.writeString(root.resolve("other.img"), "other");
    point = Files.createDirectory(root.resolve("mounted"));
    put("proc/swaps", "Filename Type");
    sys = new SysBlock(root);
  }

  private void put(String file, String text) throws Exception {
    Path path = root.resolve(file);
    Files.createDirectories(path.getParent());
    Files.writeString(path, text + "\n");
  }

  private static String label(Kind kind, Path path) {
    return new NodeLabel(
            UUID.randomUUID(),
            kind,
            1,
            600,
            "disk",
            "identity",
            path == null ? "" : path.toString())
        .text();
  }

  /** The node has the number under which the test's own directories are found. */
  private Topology node(String label) throws Exception {
    DeviceNumber home = FileStat.find(point).orElseThrow().home();
    put("devices/nbd0/dev", home.toString());
    put("devices/nbd0/backend", label);
    Path links = Files.createDirectories(root.resolve("dev/block"));
    Files.createSymbolicLink(links.resolve(home.toString()), root.resolve("devices/nbd0"));
    put("proc/self/mountinfo", "30 1 " + home + " / " + point + " rw,relatime - ext4 /dev/nbd0 rw");
    return new Topology(sys, new MountTable(root.resolve("proc")));
  }

  private static FileStat stat(Path path) {
    return FileStat.find(path).orElseThrow();
  }

  @Test
  void aFileSystemOnTheNodeIsFrozenWithTheDevice() throws Exception {
    Topology topology = node(label(Kind.DEVICE, disk));
    assertEquals(
        List.of(point), topology.mountedFrom(stat(disk)).stream().map(Mount::point).toList());
    assertEquals(List.of(), topology.mountedFrom(stat(other)));
  }

  @Test
  void storageOnTheNodeLiesOnTheDevice() throws Exception {
    Topology topology = node(label(Kind.DEVICE, disk));
    assertTrue(topology.carries(stat(disk), point.resolve("new/storage")));
    assertFalse(topology.carries(stat(other), point.resolve("new/storage")));
  }

  @Test
  void anImagesNodeIsNotFrozenButIsNoPlaceForStorage() throws Exception {
    Topology topology = node(label(Kind.IMAGE, disk));
    assertEquals(List.of(), topology.mountedFrom(stat(disk)));
    assertTrue(topology.carries(stat(disk), point.resolve("storage")));
  }

  @Test
  void theNodeIsNotInTheWayOfAttachingItsDevice() throws Exception {
    Topology topology = node(label(Kind.DEVICE, disk));
    MountTable table = new MountTable(root.resolve("proc"));
    Occupancy occupancy = new Occupancy(sys, table, topology);
    assertDoesNotThrow(() -> occupancy.refuseIfUsed(disk, stat(disk)));
  }

  @Test
  void nodesOfOthersAndOfSourcesStandOnNothing() throws Exception {
    Topology topology = node("nbdkit");
    assertEquals(List.of(), topology.mountedFrom(stat(disk)));
    put("devices/nbd0/backend", label(Kind.SOURCE, null));
    assertFalse(topology.carries(stat(disk), point.resolve("storage")));
    assertEquals(List.of(), topology.mountedFrom(stat(disk)));
  }
}
