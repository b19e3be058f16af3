// A machine with a network around it: the test's own namespace is a host whose default route is
// "lan0", 192.0.2.1/24 and 2001:db8::1/64, and a neighbour sits at the other end.
#ifndef TINY_E2E_NETWORK_FIXTURE_H_
#define TINY_E2E_NETWORK_FIXTURE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "e2e/harness.h"
#include "runtime/network/network_test_util.h"

namespace tiny::e2e {

class NetworkTest : public TinyTest {
 protected:
  void SetUp() override;
  void TearDown() override;

  // A detached container on `network` that sleeps; `flags` come before its program.
  std::string Sleeper(const std::string& network, std::vector<std::string> flags = {});
  // The network namespace of a running container.
  UniqueFd NamespaceOf(const std::string& container);
  // Its first address.
  std::string AddressOf(const std::string& container);
  void RemoveContainers();

  int neighbour() const { return neighbour_->netns(); }

 private:
  std::unique_ptr<runtime::FakeProcess> neighbour_;
};

}  // namespace tiny::e2e

#endif  // TINY_E2E_NETWORK_FIXTURE_H_
