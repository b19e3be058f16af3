#include "e2e/network_fixture.h"

#include <fcntl.h>
#include <linux/netlink.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/files.h"
#include "net/link.h"
#include "testing/isolated.h"
#include "testing/status_matchers.h"

namespace tiny::e2e {

void NetworkTest::SetUp() {
  if (testing::HavePrivilege()) {
    // Before the leaks are counted from.
    neighbour_ = std::make_unique<runtime::FakeProcess>();
    runtime::MakeLan(*neighbour_);
  }
  TinyTest::SetUp();
}

void NetworkTest::TearDown() {
  if (neighbour_ == nullptr) return;
  RemoveContainers();
  TinyTest::TearDown();
  // The kernel takes its time to dissolve a namespace, and the next test has a lan0, too.
  auto route = net::NetlinkSocket::Open(NETLINK_ROUTE);
  net::MessageBuilder batch;
  net::DeleteLink(batch, net::LinkRef("lan0"));
  EXPECT_OK(route->Execute(batch));
}

void NetworkTest::RemoveContainers() {
  const Result all = Tiny({"ps", "-aq"});
  std::vector<std::string> remove = {"rm", "-f"};
  for (const absl::string_view id : absl::StrSplit(all.out, '\n', absl::SkipEmpty())) {
    remove.emplace_back(id);
  }
  if (remove.size() > 2) {
    const Result removed = Tiny(remove);
    EXPECT_EQ(removed.code, 0) << removed.err;
  }
}

std::string NetworkTest::Sleeper(const std::string& network, std::vector<std::string> flags) {
  flags.insert(flags.begin(), {"--network", network});
  flags.insert(flags.end(), {"sleep", "1000"});
  return Detached(flags);
}

UniqueFd NetworkTest::NamespaceOf(const std::string& container) {
  auto netns =
      OpenFile(absl::StrCat("/proc/", Inspect(container, "{{.State.Pid}}"), "/ns/net"), O_RDONLY);
  EXPECT_OK(netns);
  return netns.ok() ? *std::move(netns) : UniqueFd();
}

std::string NetworkTest::AddressOf(const std::string& container) {
  return Inspect(container, "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}");
}

}  // namespace tiny::e2e
