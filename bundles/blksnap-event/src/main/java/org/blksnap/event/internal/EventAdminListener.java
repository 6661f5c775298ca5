// SPDX-License-Identifier: Apache-2.0
package org.blksnap.event.internal;

import org.blksnap.api.event.BlksnapEvent;
import org.blksnap.api.event.BlksnapEventListener;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferencePolicyOption;
import org.osgi.service.event.EventAdmin;

/**
 * Posts every event to EventAdmin; {@link org.blksnap.api.event.EventTopics} lists the properties.
 * One more whiteboard listener, there only while an EventAdmin is: where its package is missing
 * altogether, the reference is never satisfied, this class never loaded, and the rest of the bundle
 * works.
 */
@Component(service = BlksnapEventListener.class)
public final class EventAdminListener implements BlksnapEventListener {
  private final EventAdmin eventAdmin;

  @Activate
  public EventAdminListener(
      @Reference(policyOption = ReferencePolicyOption.GREEDY) EventAdmin eventAdmin) {
    this.eventAdmin = eventAdmin;
  }

  @Override
  public void onEvent(BlksnapEvent event) {
    eventAdmin.postEvent(AdminEvents.of(event));
  }
}
