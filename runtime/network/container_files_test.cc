#include "runtime/network/container_files.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tiny::runtime {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(ResolvConfTest, Parses) {
  const ResolverConfig config = ParseResolvConf(
      "# a comment\n; another\nnameserver 192.0.2.1\nnameserver\t2001:db8::1 # v6\n"
      "domain old\nsearch a.example b.example\noptions ndots:2 edns0\noptions trust-ad\nbogus\n");
  EXPECT_THAT(config.servers, ElementsAre("192.0.2.1", "2001:db8::1"));
  EXPECT_THAT(config.search, ElementsAre("a.example", "b.example"));
  EXPECT_THAT(config.options, ElementsAre("ndots:2", "edns0", "trust-ad"));
}

TEST(ResolvConfTest, NeverPointsAtAStubOfTheHost) {
  state::ContainerConfig config;
  EXPECT_EQ(MakeResolvConf(config, {{"127.0.0.53", "192.0.2.1", "::1"}, {}, {}}, false),
            "nameserver 192.0.2.1\n");
  EXPECT_EQ(MakeResolvConf(config, {{"127.0.0.53"}, {}, {}}, false),
            "nameserver 1.1.1.1\nnameserver 8.8.8.8\n");
  EXPECT_EQ(MakeResolvConf(config, {{"192.0.2.1"}, {"a"}, {"edns0"}}, true),
            "nameserver 127.0.0.11\nsearch a\noptions edns0 ndots:0\n");
  config.dns = {"192.0.2.9"};
  config.dns_search = {"."};
  config.dns_options = {"ndots:3"};
  EXPECT_EQ(MakeResolvConf(config, {{"192.0.2.1"}, {"a"}, {}}, false),
            "nameserver 192.0.2.9\noptions ndots:3\n");
}

TEST(HostsFileTest, HasOwnNamesAndExtraOnes) {
  state::ContainerConfig config;
  config.id = std::string(64, 'a');
  config.extra_hosts = {"db:192.0.2.5", "v6=[2001:db8::5]", "host.docker.internal:host-gateway",
                        "broken"};
  const std::string alone = MakeHostsFile(config, {}, "10.10.0.1");
  EXPECT_THAT(alone, HasSubstr("127.0.0.1\tlocalhost\n"));
  EXPECT_THAT(alone, HasSubstr("192.0.2.5\tdb\n"));
  EXPECT_THAT(alone, HasSubstr("2001:db8::5\tv6\n"));
  EXPECT_THAT(alone, HasSubstr("10.10.0.1\thost.docker.internal\n"));
  EXPECT_THAT(alone, HasSubstr("127.0.1.1\taaaaaaaaaaaa\n"));
  EXPECT_THAT(alone, Not(HasSubstr("broken")));
  config.hostname = "web";
  config.domainname = "example";
  state::NetworkEndpoint endpoint;
  endpoint.ip = "10.10.0.2";
  endpoint.ip6 = "fd00::2";
  const std::string attached = MakeHostsFile(config, {endpoint}, "10.10.0.1");
  EXPECT_THAT(attached, HasSubstr("10.10.0.2\tweb.example web\nfd00::2\tweb.example web\n"));
}

TEST(HostNetworkTest, HasTheHostsFilesAndWhatIsAsked) {
  const std::string resolv = "nameserver 127.0.0.53\nsearch corp\n";
  state::ContainerConfig config;
  EXPECT_EQ(MakeResolvConfOfHost(config, resolv), resolv);
  config.dns_search = {"lab"};
  EXPECT_EQ(MakeResolvConfOfHost(config, resolv), "nameserver 127.0.0.53\nsearch lab\n");
  config.dns = {"192.0.2.2"};
  EXPECT_EQ(MakeResolvConfOfHost(config, resolv), "nameserver 192.0.2.2\nsearch lab\n");
  const std::string hosts = "127.0.0.1 localhost\n198.51.100.7 internal.corp";
  EXPECT_EQ(MakeHostsFileOfHost(config, hosts), hosts + "\n");
  config.extra_hosts = {"a:192.0.2.1", "b:host-gateway"};
  config.hostname = "box";
  EXPECT_EQ(MakeHostsFileOfHost(config, hosts),
            hosts + "\n192.0.2.1\ta\n127.0.0.1\tb\n127.0.1.1\tbox\n");
}

}  // namespace
}  // namespace tiny::runtime
