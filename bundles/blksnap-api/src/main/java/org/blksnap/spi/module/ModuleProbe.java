// SPDX-License-Identifier: Apache-2.0
package org.blksnap.spi.module;

import java.util.List;
import java.util.Optional;
import org.blksnap.api.block.BlksnapException;
import org.osgi.annotation.versioning.ProviderType;

/** Finds the kernel module that is loaded, if one is. Any thread. */
@ProviderType
public interface ModuleProbe {
  /**
   * Looks now: the module that is loaded, ready for calls; a new one at every call, to be closed by
   * the caller. Empty where none is. EPERM, EACCES: it is there, and this process may not use it.
   * ENOSYS: nodes are there that fit no dialect; the message names what was seen. EBUSY: two
   * modules are loaded.
   */
  Optional<KernelModule> find() throws BlksnapException;

  /**
   * What tells this life of the module from another one: changes whenever it is loaded anew or the
   * host is booted, and is the same otherwise: the module's name, a mark of this load, and the
   * boot's id, with colons between. Empty where none is loaded. Cheap: for looking every second.
   */
  Optional<String> incarnation();

  /** What was looked for and what was there, a line each, for the doctor. */
  List<String> seen();
}
