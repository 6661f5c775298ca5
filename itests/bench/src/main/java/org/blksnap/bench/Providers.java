// SPDX-License-Identifier: Apache-2.0
package org.blksnap.bench;

import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.InvocationTargetException;
import java.net.URL;
import java.util.Collections;
import java.util.jar.Manifest;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.xml.sax.SAXException;

/**
 * Finds the provider of an SPI the way the framework does, by the component descriptions in the
 * bundles on the class path: no benchmark imports another bundle's internals, and none breaks when
 * they are renamed.
 */
final class Providers {
  private Providers() {}

  /** A new instance, with no optional reference bound and no configuration. */
  static <T> T of(Class<T> service) {
    try {
      for (URL manifest :
          Collections.list(Providers.class.getClassLoader().getResources("META-INF/MANIFEST.MF"))) {
        for (String description : descriptions(manifest)) {
          Document document = parse(new URL(manifest, "../" + description));
          if (provides(document, service.getName())) {
            Element implementation =
                (Element) document.getElementsByTagName("implementation").item(0);
            return service.cast(
                Class.forName(implementation.getAttribute("class")).getConstructor().newInstance());
          }
        }
      }
    } catch (IOException | SAXException | ParserConfigurationException e) {
      throw new IllegalStateException("a bundle on the class path cannot be read", e);
    } catch (InvocationTargetException e) {
      throw new IllegalStateException("the provider of " + service.getName() + " fails", e);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(
          "the provider of " + service.getName() + " has no public constructor of nothing", e);
    }
    throw new IllegalStateException(
        "no bundle on the class path provides " + service.getName() + "; build the bundles first");
  }

  private static String[] descriptions(URL manifest) throws IOException {
    try (InputStream in = manifest.openStream()) {
      String header = new Manifest(in).getMainAttributes().getValue("Service-Component");
      return header == null ? new String[0] : header.trim().split("\\s*,\\s*");
    }
  }

  private static Document parse(URL description)
      throws IOException, SAXException, ParserConfigurationException {
    try (InputStream in = description.openStream()) {
      return DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(in);
    }
  }

  private static boolean provides(Document document, String service) {
    var interfaces = document.getElementsByTagName("provide");
    for (int i = 0; i < interfaces.getLength(); i++) {
      if (service.equals(((Element) interfaces.item(i)).getAttribute("interface"))) {
        return true;
      }
    }
    return false;
  }
}
