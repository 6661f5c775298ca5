// SPDX-License-Identifier: Apache-2.0
package org.blksnap.ioctl.internal.module;

import java.nio.file.Path;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.ioctl.internal.layout.Layout;
import org.blksnap.ioctl.internal.layout.Seed;
import org.blksnap.ioctl.internal.layout.Upstream;

/** Filter calls as ioctls of the block device itself, which is opened for them and closed again. */
record FilterOnDevice(
    ModuleCalls calls, NodeLook look, long attach, Layout attachStruct, long detach, long ctl)
    implements FilterCalls {
  /** Also of upstream v6 and v7. */
  static FilterOnDevice seed(ModuleCalls calls, NodeLook look) {
    return new FilterOnDevice(
        calls, look, Seed.ATTACH_CALL, Seed.NAME, Seed.DETACH_CALL, Seed.CTL_CALL);
  }

  static FilterOnDevice upstream615(ModuleCalls calls, NodeLook look) {
    return new FilterOnDevice(
        calls,
        look,
        Upstream.ATTACH_CALL_6_15,
        Upstream.ATTACH,
        Upstream.DETACH_CALL_6_15,
        Upstream.CTL_CALL_6_15);
  }

  @Override
  public Filtered open(String call, Path device) throws BlksnapException {
    look.mustBeBlockDevice(call, device);
    return new Opened(Node.device(calls, device.toString()));
  }

  @Override
  public void close() {}

  private final class Opened implements Filtered {
    private final Node device;

    Opened(Node device) {
      this.device = device;
    }

    @Override
    public void attach() throws BlksnapException {
      named("BLKFILTER_ATTACH", attach, attachStruct);
    }

    @Override
    public void detach() throws BlksnapException {
      named("BLKFILTER_DETACH", detach, Seed.NAME);
    }

    /** The name stands first in both structs, and options there are none. */
    private void named(String name, long request, Layout struct) throws BlksnapException {
      Memory argument = Memory.of(calls, struct);
      Seed.NAME_NAME.put(argument.bytes(), Seed.FILTER_NAME);
      device.call(name, request, argument, Node.Broken.TOLD);
    }

    @Override
    public void control(String name, int command, Memory option, Node.Broken broken)
        throws BlksnapException {
      Memory argument = Memory.of(calls, Seed.CTL);
      Seed.CTL_NAME.put(argument.bytes(), Seed.FILTER_NAME);
      Seed.CTL_CMD.put(argument.bytes(), command);
      Seed.CTL_OPTLEN.put(argument.bytes(), option.size());
      Seed.CTL_OPT.put(argument.bytes(), option.address());
      device.call(name, ctl, argument, broken);
      option.used();
    }

    @Override
    public void close() {
      device.close();
    }
  }
}
