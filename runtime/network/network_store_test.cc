#include "runtime/network/network_store.h"

#include <cstdint>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/posix_status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "runtime/network/endpoint.h"
#include "testing/status_matchers.h"
#include "testing/temp_dir.h"

namespace tiny::runtime {
namespace {

using ::testing::HasSubstr;
using ::tiny::testing::StatusIs;
using ::tiny::testing::TempDir;

Network Named(std::string name) {
  Network network;
  network.name = std::move(name);
  network.id = std::string(64, 'a');
  return network;
}

TEST(NetworkTest, ItsFileIsReadBack) {
  Network network = Named("web");
  network.created_at = absl::FromUnixSeconds(1'700'000'000);
  network.interface_name = "td0";
  network.subnet = "10.10.0.0/24";
  network.labels = {{"a", "b"}, {"\xff", "not UTF-8 as a key"}};
  network.labels.erase("\xff");
  network.aux_addresses = {{"x", "10.10.0.9"}};
  network.internal = true;
  network.mtu = 1400;
  ASSERT_OK_AND_ASSIGN(const Network read, ParseNetwork(SerializeNetwork(network)));
  EXPECT_EQ(read, network);
  for (const char* text :
       {"", "[]", "{}", R"({"name":1})", R"({"name":"a","interface":"b","labels":{"a":1}})"}) {
    EXPECT_THAT(ParseNetwork(text), StatusIs(absl::StatusCode::kInvalidArgument)) << text;
  }
}

TEST(NetworkTest, NamesAreChecked) {
  EXPECT_OK(ValidateNetworkName("my_net-1.x"));
  for (const std::string& name :
       {std::string(), std::string("host"), std::string("bridge"), std::string("../x"),
        std::string("a b"), std::string("-a"), std::string(129, 'a'), std::string(300, 'a'),
        std::string("a;b"), std::string("\"; flush ruleset"), std::string("na\xc3\xafve"),
        std::string("a\nb"), std::string("a\0b", 3)}) {
    EXPECT_FALSE(ValidateNetworkName(name).ok()) << name;
  }
}

TEST(NetworkModeTest, MixturesAreErrors) {
  state::ContainerConfig config;
  EXPECT_EQ(*NetworkModeOf(config), NetworkMode::kBridge);
  config.networks = {{.network = "isolated"}};
  EXPECT_EQ(*NetworkModeOf(config), NetworkMode::kNone);
  config.networks = {{.network = "container:abc"}};
  EXPECT_EQ(*NetworkModeOf(config), NetworkMode::kContainer);
  config.networks = {{.network = "a"}, {.network = "b"}};
  EXPECT_EQ(*NetworkModeOf(config), NetworkMode::kBridge);
  config.networks = {{.network = "a"}, {.network = "a"}};
  EXPECT_FALSE(NetworkModeOf(config).ok());
  config.networks = {{.network = "a"}, {.network = "host"}};
  EXPECT_FALSE(NetworkModeOf(config).ok());
  config.networks = {{.network = "bridge", .aliases = {"x"}}};
  EXPECT_FALSE(NetworkModeOf(config).ok());
}

TEST(NetworkStoreTest, CreatesFindsAndRemoves) {
  TempDir dir;
  const NetworkStore store(dir.path());
  Network network = Named("web");
  network.interface_name = "td0";
  ASSERT_OK(store.Write(network, false));
  EXPECT_THAT(store.Write(network, false), StatusIs(absl::StatusCode::kAlreadyExists));
  EXPECT_EQ(store.Find("web")->name, "web");
  EXPECT_EQ(store.Find("aaaa")->name, "web");
  EXPECT_THAT(store.Find("../web"), StatusIs(absl::StatusCode::kNotFound));
  dir.Write("networks/damaged.json", "{");
  std::vector<std::string> damaged;
  EXPECT_EQ(store.List(&damaged)->size(), 1u);
  EXPECT_EQ(damaged.size(), 1u);
  EXPECT_OK(store.Remove("web"));
  EXPECT_THAT(store.Remove("web"), StatusIs(absl::StatusCode::kNotFound));
}

TEST(CompleteNetworkTest, FillsInWhatIsOpen) {
  Network network = Named("web");
  network.ipv6 = true;
  ASSERT_OK(CompleteNetwork(network, {{*net::ParseIpPrefix("10.10.0.0/23"), "a VPN"}}));
  EXPECT_EQ(network.subnet, "10.10.2.0/24");
  EXPECT_EQ(network.gateway, "10.10.2.1");
  EXPECT_EQ(network.interface_name, "tdaaaaaaaaaaaa");
  EXPECT_EQ(network.subnet6, "fdaa:aaaa:aaaa::/64");
  EXPECT_EQ(network.gateway6, "fdaa:aaaa:aaaa::1");
}

TEST(CompleteNetworkTest, NamesTheOverlapAndAFreeSubnet) {
  Network network = Named("web");
  network.subnet = "10.8.0.0/16";
  const absl::Status status =
      CompleteNetwork(network, {{*net::ParseIpPrefix("10.8.1.0/24"), "the route of tun0"}});
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr("the route of tun0")));
  EXPECT_THAT(GetHint(status), HasSubstr("--subnet 10.10.0.0/24 is free"));
}

TEST(CompleteNetworkTest, RefusesWhatCantWork) {
  const auto check = [](void (*change)(Network&)) {
    Network network = Named("web");
    change(network);
    return CompleteNetwork(network, {});
  };
  EXPECT_FALSE(check([](Network& n) { n.driver = "overlay"; }).ok());
  EXPECT_FALSE(check([](Network& n) { n.driver = "macvlan"; }).ok());
  EXPECT_FALSE(check([](Network& n) { n.subnet = "10.0.0.0/31"; }).ok());
  EXPECT_FALSE(check([](Network& n) { n.subnet = "fd00::/64"; }).ok());
  EXPECT_FALSE(check([](Network& n) { n.gateway = "192.0.2.1"; }).ok());
  EXPECT_FALSE(check([](Network& n) { n.ip_range = "192.0.2.0/24"; }).ok());
  EXPECT_FALSE(check([](Network& n) { n.interface_name = "a/b"; }).ok());
  EXPECT_FALSE(check([](Network& n) { n.options["com.docker.network.driver.mtu"] = "9"; }).ok());
  for (const char* name : {"a b", "a;b", "..", "sixteen-letters-", "na\xc3\xafve", "%d"}) {
    Network network = Named("web");
    network.options["com.docker.network.bridge.name"] = name;
    EXPECT_FALSE(CompleteNetwork(network, {}).ok()) << name;
  }
}

// What the kernel gets to see of containers and networks.
TEST(InterfaceNameTest, IsMadeOfTheIdAloneAndNeverShared) {
  Network network = Named(std::string(128, 'n'));
  ASSERT_OK(CompleteNetwork(network, {}));
  EXPECT_EQ(network.interface_name, "tdaaaaaaaaaaaa");
  constexpr uint64_t kIds = 1'000'000;
  std::set<std::string> names;
  for (uint64_t i = 0; i < kIds; ++i) {
    // Spread over all values, as ids are.
    const std::string id = absl::StrCat(absl::Hex(i * 0x9e3779b97f4a7c15, absl::kZeroPad16));
    std::string name = HostInterfaceName(id, static_cast<int>(i % 3));
    ASSERT_EQ(name.size(), 15u);
    ASSERT_EQ(name.find_first_not_of("0123456789abcdefghijklmnopqrstuvwxyz"), std::string::npos);
    names.insert(std::move(name));
  }
  EXPECT_EQ(names.size(), kIds);
}

}  // namespace
}  // namespace tiny::runtime
