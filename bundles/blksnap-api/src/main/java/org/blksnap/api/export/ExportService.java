// SPDX-License-Identifier: Apache-2.0
package org.blksnap.api.export;

import java.util.List;
import org.osgi.annotation.versioning.ProviderType;

/** What is served, and where. Thread rule: any thread. */
@ProviderType
public interface ExportService {
  /** Every attached device, image and source, in order of their names. Does not wait. */
  List<Export> exports();

  /**
   * Addresses listened on: {@code nbd+unix:///?socket=…} or {@code nbd://host:port}, {@code
   * nbds://…}.
   */
  List<String> listeners();
}
