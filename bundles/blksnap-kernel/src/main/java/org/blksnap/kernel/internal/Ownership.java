// SPDX-License-Identifier: Apache-2.0
package org.blksnap.kernel.internal;

import org.blksnap.api.snapshot.SnapshotService;
import org.blksnap.enginebase.OwnedService;
import org.osgi.framework.Bundle;
import org.osgi.framework.ServiceFactory;
import org.osgi.framework.ServiceRegistration;

/** Gives each bundle the engine as its own: what it creates bears its symbolic name. */
final class Ownership implements ServiceFactory<SnapshotService> {
  private final SnapshotService engine;

  Ownership(SnapshotService engine) {
    this.engine = engine;
  }

  @Override
  public SnapshotService getService(
      Bundle bundle, ServiceRegistration<SnapshotService> registration) {
    String name = bundle.getSymbolicName();
    return new OwnedService(engine, name == null ? "" : name);
  }

  @Override
  public void ungetService(
      Bundle bundle, ServiceRegistration<SnapshotService> registration, SnapshotService service) {}
}
