// SPDX-License-Identifier: Apache-2.0
package org.blksnap.itests.architecture;

import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The classes a class file names, in code, signatures and annotations: read from its constant pool
 * (JVM specification, 4.4). What the compiler has folded, a constant of another class, is not there
 * any more.
 */
final class ClassNames {
  private static final int MAGIC = 0xCAFEBABE;
  private static final int UTF8 = 1;
  private static final int LONG = 5;
  private static final int DOUBLE = 6;
  private static final int CLASS = 7;
  private static final int STRING = 8;
  private static final int METHOD_HANDLE = 15;
  private static final int METHOD_TYPE = 16;
  private static final int MODULE = 19;
  private static final int PACKAGE = 20;

  private static final Pattern IN_DESCRIPTOR = Pattern.compile("L((?:\\w+/)+[\\w$]+)[;<]");

  private ClassNames() {}

  /** Names as they are written in Java, inner classes behind a dollar. */
  static Set<String> in(InputStream file) throws IOException {
    DataInputStream in = new DataInputStream(file);
    if (in.readInt() != MAGIC) {
      throw new IOException("no class file");
    }
    in.readInt(); // version
    int count = in.readUnsignedShort();
    String[] texts = new String[count];
    int[] classes = new int[count];
    for (int i = 1; i < count; i++) {
      int tag = in.readUnsignedByte();
      switch (tag) {
        case UTF8 -> texts[i] = in.readUTF();
        case CLASS -> classes[i] = in.readUnsignedShort();
        case STRING, METHOD_TYPE, MODULE, PACKAGE -> in.readUnsignedShort();
        case METHOD_HANDLE -> in.skipBytes(3);
        case LONG, DOUBLE -> {
          in.readLong();
          i++; // takes two places
        }
        default -> in.readInt();
      }
    }
    Set<String> names = new TreeSet<>();
    for (int i = 1; i < count; i++) {
      if (classes[i] != 0 && !texts[classes[i]].startsWith("[")) {
        names.add(texts[classes[i]].replace('/', '.'));
      }
      if (texts[i] != null) {
        Matcher matcher = IN_DESCRIPTOR.matcher(texts[i]);
        while (matcher.find()) {
          names.add(matcher.group(1).replace('/', '.'));
        }
      }
    }
    return names;
  }
}
