#include "cli/flag_parsers/addresses.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"

namespace tiny::cli {
namespace {

using ::testing::ElementsAre;

TEST(NetworkTest, Modes) {
  EXPECT_EQ(ParseNetwork("none")->network, "none");
  EXPECT_EQ(ParseNetwork("isolated")->network, "none");
  EXPECT_EQ(ParseNetwork("default")->network, "bridge");
  EXPECT_EQ(ParseNetwork("container:web")->network, "container:web");
  EXPECT_EQ(ParseNetwork("my-net_1.x")->network, "my-net_1.x");
}

TEST(NetworkTest, LongForm) {
  ASSERT_OK_AND_ASSIGN(
      const state::NetworkAttachment network,
      ParseNetwork("name=n,alias=a,alias=b,ip=10.0.0.9,ip6=fd00::9,mac-address=02:42:AC:11:00:02"));
  EXPECT_EQ(network.network, "n");
  EXPECT_THAT(network.aliases, ElementsAre("a", "b"));
  EXPECT_EQ(network.ip, "10.0.0.9");
  EXPECT_EQ(network.ip6, "fd00::9");
  EXPECT_EQ(network.mac_address, "02:42:ac:11:00:02");
}

TEST(NetworkTest, Mistakes) {
  for (const char* text : {"", "-x", "a b", "container:", "name=", "ip=1.2.3.4", "name=n,ip=x",
                           "name=n,ip6=1.2.3.4", "name=n,bogus=1", "name=n,driver-opt=x"}) {
    EXPECT_THAT(ParseNetwork(text).status(), testing::StatusIs(absl::StatusCode::kInvalidArgument))
        << text;
  }
}

TEST(AddressTest, Mac) {
  EXPECT_EQ(*ParseMacAddress("02-42-AC-11-00-02"), "02:42:ac:11:00:02");
  for (const char* text : {"", "02:42:ac:11:00", "02:42:ac:11:00:0g", "03:42:ac:11:00:02",
                           "ff:ff:ff:ff:ff:ff", "02:42:ac:11:00:02:03"}) {
    EXPECT_FALSE(ParseMacAddress(text).ok()) << text;
  }
}

TEST(AddHostTest, Forms) {
  EXPECT_EQ(*ParseAddHost("db:10.0.0.2"), "db:10.0.0.2");
  EXPECT_EQ(*ParseAddHost("db=[fd00::2]"), "db:fd00::2");
  EXPECT_EQ(*ParseAddHost("host.docker.internal:host-gateway"),
            "host.docker.internal:host-gateway");
  for (const char* text : {"", "db", ":1.2.3.4", "db:", "db:300.1.1.1", "a b:1.2.3.4"}) {
    EXPECT_FALSE(ParseAddHost(text).ok()) << text;
  }
}

TEST(HostnameTest, Limits) {
  EXPECT_OK(CheckHostname("web-1.example.com"));
  EXPECT_OK(CheckHostname(std::string(63, 'a')));
  for (const std::string& text : {std::string(), std::string(64, 'a'), std::string("-a"),
                                  std::string("a b"), std::string("a\n"), std::string("é")}) {
    EXPECT_FALSE(CheckHostname(text).ok()) << text;
  }
}

}  // namespace
}  // namespace tiny::cli
