// SPDX-License-Identifier: Apache-2.0
package org.blksnap.nbd.internal.export;

import java.util.Locale;
import java.util.Optional;
import org.blksnap.api.block.BlockDevice;
import org.blksnap.api.block.Geometry;
import org.blksnap.api.change.ChangeMap;
import org.blksnap.api.export.ExportKind;
import org.blksnap.api.snapshot.AttachedDevice;
import org.blksnap.api.snapshot.SnapshotImage;

/**
 * What an export name stands for at one moment.
 *
 * @param kind what is behind it
 * @param name the export name
 * @param identity tells a device or image from another one that later bears the same name: image
 *     names are used again by the next snapshot. Of a source's device it is the size, and nothing
 *     before it is opened
 * @param description a sentence for a person
 * @param device where requests go; null of a source before it is opened
 * @param changes its change map; null where there is none
 * @param source who opens it; null of devices and images
 */
public record Target(
    ExportKind kind,
    String name,
    String identity,
    String description,
    BlockDevice device,
    ChangeMap changes,
    Source source) {
  static Target of(AttachedDevice device) {
    return new Target(
        ExportKind.DEVICE,
        device.name(),
        device.identity(),
        "live device " + device.path(),
        device,
        device.changes(),
        null);
  }

  static Target of(SnapshotImage image) {
    return new Target(
        ExportKind.IMAGE,
        image.name(),
        image.snapshot().toString(),
        "image of " + image.device() + " in snapshot " + image.snapshot(),
        image,
        image.changes(),
        null);
  }

  static Target of(Source source) {
    return new Target(
        ExportKind.SOURCE, source.name(), "", source.description(), null, null, source);
  }

  /** A source's, with the device that was opened. */
  Target on(SourceDevice opened) {
    return new Target(
        kind, name, Long.toString(opened.capacity()), description, opened, changes, source);
  }

  public boolean image() {
    return kind == ExportKind.IMAGE;
  }

  /** The kind in the word that people and successors read. */
  public String word() {
    return word(kind);
  }

  static String word(ExportKind kind) {
    return kind.name().toLowerCase(Locale.ROOT);
  }

  /** Empty of a source that nobody has opened yet. */
  public Optional<Geometry> geometry() {
    return source == null ? Optional.of(device.geometry()) : source.seen();
  }
}
