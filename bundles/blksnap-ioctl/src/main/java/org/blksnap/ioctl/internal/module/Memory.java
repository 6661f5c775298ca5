// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.module;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.blksnap.ioctl.internal.layout.Layout;

/**
 * Memory that the kernel is pointed to. It lives as long as this object is reachable: whoever hands
 * its address over calls {@link #used} afterwards.
 */
final class Memory {
  private final ByteBuffer bytes;
  private final long address;

  private Memory(ModuleCalls calls, ByteBuffer direct) {
    bytes = direct;
    address = calls.address(direct);
  }

  /** Zeroed. */
  static Memory of(ModuleCalls calls, Layout struct) {
    return new Memory(calls, struct.allocate());
  }

  /** Zeroed. */
  static Memory of(ModuleCalls calls, int size) {
    return new Memory(calls, Layout.buffer(ByteBuffer.allocateDirect(size)));
  }

  /** A string of C. */
  static Memory of(ModuleCalls calls, String text) {
    byte[] encoded = text.getBytes(StandardCharsets.UTF_8);
    Memory memory = of(calls, encoded.length + 1);
    memory.bytes.put(0, encoded);
    return memory;
  }

  /** In the order that fields are read in; position and limit mean nothing. */
  ByteBuffer bytes() {
    return bytes;
  }

  long address() {
    return address;
  }

  int size() {
    return bytes.capacity();
  }

  /** A struct of an array, seen from its first byte on. */
  ByteBuffer element(int index, int elementSize) {
    return Layout.buffer(bytes.duplicate().position(index * elementSize).slice());
  }

  /** The kernel is done with it. */
  void used() {
    Reference.reachabilityFence(bytes);
  }
}
