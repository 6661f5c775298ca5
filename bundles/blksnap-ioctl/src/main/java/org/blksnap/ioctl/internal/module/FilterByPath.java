// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.module;

import java.nio.file.Path;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.ioctl.internal.layout.Layout;
import org.blksnap.ioctl.internal.layout.Seed;
import org.blksnap.ioctl.internal.layout.Veeam7;

/** Filter calls of Veeam 7: to a node of their own, which is told the path of the device. */
final class FilterByPath implements FilterCalls {
  private final ModuleCalls calls;
  private final NodeLook look;
  private final Node filters;

  FilterByPath(ModuleCalls calls, NodeLook look, Node filters) {
    this.calls = calls;
    this.look = look;
    this.filters = filters;
  }

  @Override
  public Filtered open(String call, Path device) throws BlksnapException {
    look.mustBeBlockDevice(call, device);
    return new Named(device.toAbsolutePath().toString());
  }

  @Override
  public void close() {
    filters.close();
  }

  private final class Named implements Filtered {
    private final String device;
    private final Memory path;

    Named(String device) {
      this.device = device;
      path = Memory.of(calls, device);
    }

    /** The word of later ones has another size; who does not know a word answers ENOTTY. */
    @Override
    public void attach() throws BlksnapException {
      String name = "BDEVFILTER_ATTACH of " + device;
      int answer = filters.answer(name, Veeam7.ATTACH_CALL, named(Veeam7.NAME), Node.Broken.TOLD);
      if (answer == -Errno.ENOTTY.code()) {
        answer =
            filters.answer(name, Veeam7.LONG_ATTACH_CALL, named(Veeam7.ATTACH), Node.Broken.TOLD);
      }
      path.used();
      if (answer < 0) {
        throw Refusal.of(name, filters.path(), answer);
      }
    }

    @Override
    public void detach() throws BlksnapException {
      String name = "BDEVFILTER_DETACH of " + device;
      filters.call(name, Veeam7.DETACH_CALL, named(Veeam7.NAME), Node.Broken.TOLD);
      path.used();
    }

    @Override
    public void control(String name, int command, Memory option, Node.Broken broken)
        throws BlksnapException {
      Memory argument = named(Veeam7.CTL);
      Veeam7.CTL_CMD.put(argument.bytes(), command);
      Veeam7.CTL_OPTLEN.put(argument.bytes(), option.size());
      Veeam7.CTL_OPT.put(argument.bytes(), option.address());
      filters.call(name + " of " + device, Veeam7.CTL_CALL, argument, broken);
      option.used();
      path.used();
    }

    /** Path and name stand first in all of them. */
    private Memory named(Layout struct) {
      Memory argument = Memory.of(calls, struct);
      Veeam7.NAME_PATH.put(argument.bytes(), path.address());
      Veeam7.NAME_NAME.put(argument.bytes(), Seed.FILTER_NAME);
      return argument;
    }

    @Override
    public void close() {
      path.used();
    }
  }
}
