// SPDX-License-Identifier: Apache-2.0
package org.blksnap.node.internal;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.blksnap.api.block.BlksnapException;
import org.blksnap.api.block.Errno;
import org.blksnap.api.health.Examination;
import org.blksnap.api.health.Finding;
import org.blksnap.api.node.NodeRequest;
import org.blksnap.spi.node.NodePlan;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.ConfigurationPolicy;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.metatype.annotations.Designate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A node that a configuration names. It is wished for as long as the configuration is there, and
 * disconnected with it where nobody uses it. A value that is not understood wishes for nothing.
 */
@Component(
    service = Examination.class,
    immediate = true,
    configurationPid = ConfiguredNode.PID,
    configurationPolicy = ConfigurationPolicy.REQUIRE)
@Designate(ocd = NodeConfig.class, factory = true)
public final class ConfiguredNode implements Examination {
  static final String PID = "org.blksnap.node";

  private static final int CONFIGURATION_MODIFIED = 3;
  private static final int CONFIGURATION_DELETED = 4;
  private static final Logger LOG = LoggerFactory.getLogger(ConfiguredNode.class);

  private final NodeComponent nodes;
  private final Optional<NodeRequest> wish;
  private final String refusal;

  @Activate
  public ConfiguredNode(@Reference NodeComponent nodes, Map<String, Object> configured) {
    this.nodes = nodes;
    NodeRequest understood = null;
    String why = "";
    try {
      understood = request(configured);
    } catch (BlksnapException refused) {
      why = refused.getMessage();
      LOG.error("{}: {}", PID, why);
    }
    this.wish = Optional.ofNullable(understood);
    this.refusal = why;
    wish.ifPresent(nodes::wish);
  }

  @Deactivate
  void deactivate(int reason) {
    boolean gone = reason == CONFIGURATION_MODIFIED || reason == CONFIGURATION_DELETED;
    wish.ifPresent(request -> nodes.unwish(request, gone));
  }

  static NodeRequest request(Map<String, Object> configured) throws BlksnapException {
    String export = text(configured, "export");
    if (export.isEmpty()) {
      throw new BlksnapException(
          Errno.EINVAL, "no export is configured; set export = a name of blksnap:export-list");
    }
    NodeRequest request =
        NodeRequest.of(export)
            .connections(number(configured, "connections", 1, NodePlan.MOST_CONNECTIONS))
            .timeout(
                Duration.ofSeconds(
                    number(
                        configured,
                        "timeout_seconds",
                        (int) NodeRequest.USUAL_TIMEOUT.getSeconds(),
                        (int) NodeRequest.LONGEST_TIMEOUT.getSeconds())));
    String node = text(configured, "node");
    return node.isEmpty() ? request : request.at(node);
  }

  private static int number(Map<String, Object> configured, String key, int usual, int most)
      throws BlksnapException {
    String text = text(configured, key);
    try {
      int value = text.isEmpty() ? usual : Integer.parseInt(text);
      if (value >= 1 && value <= most) {
        return value;
      }
    } catch (NumberFormatException notOne) {
      LOG.debug("{} = {}", key, text);
    }
    throw new BlksnapException(
        Errno.EINVAL,
        key + " = \"" + text + "\" refused: allowed is a whole number from 1 to " + most);
  }

  private static String text(Map<String, Object> configured, String key) {
    Object value = configured.get(key);
    return value == null ? "" : value.toString().trim();
  }

  @Override
  public String subject() {
    return "configured node";
  }

  @Override
  public List<Finding> examine() {
    return refusal.isEmpty()
        ? List.of()
        : List.of(
            new Finding(
                Finding.Severity.ERROR,
                "configured node",
                refusal,
                "correct the file " + PID + "-<name>.cfg"));
  }
}
