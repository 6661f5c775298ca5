// SPDX-License-Identifier: Apache-2.0
package org.blksnap.event.internal;

import java.util.List;
import org.blksnap.api.event.BlksnapEvent;
import org.blksnap.api.event.BlksnapEventListener;
import org.blksnap.api.health.Examination;
import org.blksnap.api.health.Finding;
import org.blksnap.spi.event.EventProvider;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;

/** Tells events to those who listen. */
@Component(service = {EventProvider.class, Examination.class})
public final class DispatchingEventProvider implements EventProvider, Examination, AutoCloseable {
  private final EventDispatcher dispatcher = new EventDispatcher();

  @Activate
  public DispatchingEventProvider() {}

  @Reference(cardinality = ReferenceCardinality.MULTIPLE, policy = ReferencePolicy.DYNAMIC)
  public void addListener(BlksnapEventListener listener) {
    dispatcher.add(listener);
  }

  public void removeListener(BlksnapEventListener listener) {
    dispatcher.remove(listener);
  }

  @Override
  public void offer(BlksnapEvent event) {
    dispatcher.offer(event);
  }

  @Override
  public List<Finding> examine() {
    return dispatcher.findings();
  }

  @Deactivate
  @Override
  public void close() {
    dispatcher.close();
  }
}
