// SPDX-License-Identifier: Apache-2.0
/**
 * What any provider of an interface of the API must pass: an abstract test an interface. A provider
 * extends it in its own tests and says how one of its objects is made; a double that stands in for
 * a provider does the same. What is tested here stands in the interface's Javadoc, so a test of
 * something only one provider does has no place here.
 */
package org.blksnap.contract;
