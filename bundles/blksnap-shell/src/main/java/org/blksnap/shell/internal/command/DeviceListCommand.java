// SPDX-License-Identifier: Apache-2.0
package org.blksnap.shell.internal.command;

import java.io.IOException;
import java.io.PrintStream;
import org.apache.karaf.shell.api.action.Command;
import org.apache.karaf.shell.api.action.lifecycle.Service;
import org.blksnap.shell.internal.show.Shown;

/** {@code blksnap:device-list}. */
@Service
@Command(scope = "blksnap", name = "device-list", description = "Attached devices")
public final class DeviceListCommand extends PrintingCommand {
  @Override
  void run(PrintStream out) throws IOException {
    printAll(out, Shown.DEVICE, locator().devices(), "no device is attached");
  }
}
