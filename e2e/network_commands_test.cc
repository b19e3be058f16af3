// tiny network create, ls, inspect, rm, connect, disconnect, prune, reload and doctor.
#include <linux/netlink.h>
#include <sys/socket.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "e2e/network_fixture.h"
#include "net/nft_batch.h"
#include "testing/status_matchers.h"

namespace tiny::e2e {
namespace {

using runtime::EchoPeer;
using ::testing::AllOf;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

TEST_F(NetworkTest, CreateTakesTheFlagsOfDockerThatChangeNothing) {
  EXPECT_EQ(Tiny({"network", "create", "--attachable", "--ipv4", "--ipam-driver", "default",
                  "--scope", "local", "plain"})
                .code,
            0);
  const std::string id = Sleeper("plain", {"--name", "one", "--isolation", "default",
                                           "--disable-content-trust", "--volume-driver", "local"});
  EXPECT_THAT(Tiny({"network", "inspect", "plain"}), Succeeds(HasSubstr(id)));
  EXPECT_EQ(Tiny({"rm", "-f", "one"}).code, 0);
  EXPECT_EQ(Tiny({"network", "rm", "plain"}).code, 0);
  EXPECT_THAT(Tiny({"network", "create", "--ipv4=false", "x"}), FailsClearly(125, "--ipv4"));
  EXPECT_THAT(Tiny({"network", "create", "--ingress", "x"}), FailsClearly(125, "--ingress"));
}

TEST_F(NetworkTest, CreateListInspectRemove) {
  const Result created = Tiny({"network", "create", "--subnet", "10.20.0.0/24", "--gateway",
                               "10.20.0.254", "--ip-range", "10.20.0.128/25", "--aux-address",
                               "router=10.20.0.129", "--label", "team=blue", "--internal", "db"});
  EXPECT_EQ(created.code, 0) << created.err;
  EXPECT_THAT(created.out, MatchesRegex("[0-9a-f]{64}\n"));
  EXPECT_THAT(Tiny({"network", "ls"}),
              Succeeds(AllOf(HasSubstr("NETWORK ID"), HasSubstr("bridge"), HasSubstr("db"),
                             HasSubstr("host"), HasSubstr("none"))));
  EXPECT_THAT(Tiny({"network", "ls", "-q", "--no-trunc", "-f", "name=db"}), Succeeds(created.out));
  const std::vector<std::vector<std::string>> kFinders = {
      {"-f", "label=team"},
      {"-f", "label=team=blue"},
      {"-f", "type=custom"},
      {"-f", "id=" + created.out.substr(0, 12)}};
  for (std::vector<std::string> filter : kFinders) {
    filter.insert(filter.begin(), {"network", "ls", "--format", "{{.Name}}"});
    EXPECT_THAT(Tiny(filter), Succeeds("db\n")) << filter.back();
  }
  EXPECT_THAT(Tiny({"network", "ls", "-f", "label=team=red", "--format", "{{.Name}}"}),
              Succeeds(""));
  EXPECT_THAT(Tiny({"network", "ls", "-f", "colour=red"}), FailsClearly(125, "colour"));
  EXPECT_THAT(Tiny({"network", "inspect", "db"}),
              Succeeds(AllOf(HasSubstr("\"10.20.0.0/24\""), HasSubstr("\"10.20.0.254\""),
                             HasSubstr("\"team\": \"blue\""), HasSubstr("\"Internal\": true"))));
  EXPECT_THAT(Tiny({"network", "ls", "-f", "dangling=true", "--format", "{{.Name}}"}),
              Succeeds("db\n"));
  EXPECT_THAT(Tiny({"network", "ls", "-f", "type=builtin", "--format", "{{.Name}}"}),
              Succeeds("bridge\nhost\nnone\n"));
  const std::string id = Sleeper("db", {"--name", "one"});
  for (const std::string& network : {std::string("db"), created.out.substr(0, 12)}) {
    EXPECT_THAT(Tiny({"ps", "-aq", "--no-trunc", "-f", "network=" + network}), Succeeds(id + "\n"));
  }
  EXPECT_THAT(Tiny({"network", "ls", "-f", "dangling=true", "--format", "{{.Name}}"}),
              Succeeds(""));
  EXPECT_EQ(AddressOf("one"), "10.20.0.128");
  EXPECT_THAT(Tiny({"network", "inspect", "db"}), Succeeds(HasSubstr(id)));
  EXPECT_THAT(Tiny({"network", "rm", "db"}), FailsClearly(1, id.substr(0, 12)));
  EXPECT_EQ(Tiny({"rm", "-f", "one"}).code, 0);
  EXPECT_THAT(Tiny({"network", "rm", created.out.substr(0, 8)}), Succeeds("db\n"));
  EXPECT_THAT(Tiny({"network", "rm", "db"}), FailsClearly(1, "no such network: db"));
  EXPECT_THAT(Tiny({"network", "rm", "-f", "db"}), Succeeds(""));
  EXPECT_THAT(Tiny({"network", "inspect", "db"}).err, HasSubstr("no such network: db"));
  EXPECT_THAT(Tiny({"network", "rm", "bridge"}), FailsClearly(1, "default network"));
}

TEST_F(NetworkTest, AnOptionOfTheDriverIsObeyedOrRefused) {
  const std::string prefix = "com.docker.network.bridge.";
  const std::pair<std::string, const char*> kRefused[] = {
      {"foo=bar", "the driver bridge has no option \"foo\""},
      {"parent=lan0", "the driver bridge has no option \"parent\""},
      {prefix + "gateway_mode_ipv4=isolated", "gateway_mode_ipv4=isolated is not supported"},
      {prefix + "trusted_host_interfaces=lan0", "trusted_host_interfaces"},
      {prefix + "enable_icc=perhaps", "enable_icc=perhaps: neither true nor false"},
      {prefix + "host_binding_ipv4=::1", "host_binding_ipv4=::1: not an IPv4 address"},
  };
  for (const auto& [option, error] : kRefused) {
    const Result result = Tiny({"network", "create", "-o", option, "refused"});
    EXPECT_THAT(result, FailsClearly(1, error)) << option;
    if (absl::StrContains(error, "no option")) {
      EXPECT_THAT(result.err, AllOf(HasSubstr(prefix + "enable_icc"), HasSubstr("--label")));
    }
  }
  EXPECT_THAT(Tiny({"network", "inspect", "refused"}).err, HasSubstr("no such network"));
  EXPECT_EQ(Tiny({"network", "create", "-o", prefix + "gateway_mode_ipv4=nat", "-o",
                  prefix + "enable_ip_masquerade=TRUE", "--label", "com.docker.compose.project=x",
                  "-o", "com.docker.network.driver.mtu=1400", "taken"})
                .code,
            0);
  EXPECT_THAT(Run({"--rm", "--network", "taken", "cat", "/sys/class/net/eth0/mtu"}),
              Succeeds("1400\n"));
  EXPECT_EQ(Tiny({"network", "rm", "taken"}).code, 0);
}

TEST_F(NetworkTest, ABridgeThatIsNotTheNetworksOwnIsLeftAlone) {
  const auto ip = [&](std::vector<std::string> words) {
    words.insert(words.begin(),
                 {"--rm", "--network", "host", "--cap-add", "NET_ADMIN", "busybox", "ip", "link"});
    return Run(words).code;
  };
  const auto create = [&](const std::string& bridge, const std::string& name) {
    return Tiny({"network", "create", "-o", "com.docker.network.bridge.name=" + bridge, name});
  };
  EXPECT_EQ(ip({"add", "br0", "type", "bridge"}), 0);
  EXPECT_THAT(create("br0", "one"), FailsClearly(1, "the interface br0 exists already"));
  EXPECT_THAT(create("lo", "one"), FailsClearly(1, "the interface lo exists already"));
  EXPECT_THAT(create("td0", "one"), FailsClearly(1, "the bridge td0 is that of network bridge"));
  EXPECT_EQ(ip({"show", "br0"}), 0);
  EXPECT_EQ(create("br1", "one").code, 0);
  EXPECT_THAT(create("br1", "two"), FailsClearly(1, "the bridge br1 is that of network one"));
  EXPECT_EQ(Run({"--rm", "--network", "one", "true"}).code, 0);
  EXPECT_EQ(ip({"show", "br1"}), 0);
  EXPECT_EQ(Tiny({"network", "rm", "one"}).code, 0);
  EXPECT_NE(ip({"show", "br1"}), 0);
  // One that somebody else made after the network.
  EXPECT_EQ(create("br1", "one").code, 0);
  EXPECT_EQ(ip({"add", "br1", "type", "bridge"}), 0);
  EXPECT_EQ(Run({"--rm", "--network", "one", "true"}).code, 0);
  EXPECT_EQ(Tiny({"network", "rm", "one"}).code, 0);
  EXPECT_EQ(ip({"show", "br1"}), 0);
  for (const char* bridge : {"br0", "br1"}) EXPECT_EQ(ip({"delete", bridge}), 0);
}

TEST_F(NetworkTest, WhatCantBeMadeIsRefused) {
  EXPECT_EQ(Tiny({"network", "create", "--subnet", "10.20.0.0/24", "one"}).code, 0);
  EXPECT_THAT(Tiny({"network", "create", "one"}), FailsClearly(1, "one"));
  EXPECT_THAT(Tiny({"network", "create", "--subnet", "10.20.0.128/25", "two"}),
              FailsClearly(1, "overlaps the subnet of network one"));
  EXPECT_THAT(Tiny({"network", "create", "--subnet", "192.0.2.0/25", "two"}),
              FailsClearly(1, "overlaps the route 192.0.2.0/24 of lan0"));
  EXPECT_THAT(
      Tiny({"network", "create", "--subnet", "10.30.0.0/24", "--gateway", "10.31.0.1", "two"}),
      FailsClearly(1, "10.31.0.1"));
  EXPECT_THAT(Tiny({"network", "create", "--subnet", "10.30.0.0/33", "two"}),
              FailsClearly(125, "invalid number \"33\""));
  for (const char* subnet :
       {"127.0.0.0/24", "169.254.7.0/24", "224.0.0.0/24", "fe80::/64", "ff05::/64"}) {
    EXPECT_THAT(Tiny({"network", "create", "--subnet", subnet, "two"}),
                FailsClearly(1, absl::StrCat("the subnet ", subnet, " can't be used")));
  }
  for (const char* name : {"host", "none", "default", "a/b", "a b", "\"; drop", "-x"}) {
    EXPECT_NE(Tiny({"network", "create", "--", name}).code, 0) << name;
  }
  EXPECT_NE(Tiny({"network", "create", std::string(300, 'n')}).code, 0);
  EXPECT_EQ(Tiny({"network", "rm", "one"}).code, 0);
}

TEST_F(NetworkTest, ARunningContainerJoinsAndLeaves) {
  EXPECT_EQ(Tiny({"network", "create", "back"}).code, 0);
  Sleeper("back", {"--name", "db"});
  Sleeper("bridge", {"--name", "web"});
  EXPECT_EQ(Tiny({"network", "connect", "--alias", "front", "back", "web"}).code, 0);
  EXPECT_THAT(Tiny({"exec", "web", "busybox", "ip", "-4", "-o", "addr", "show", "eth1"}),
              Succeeds(HasSubstr("10.10.1.3/24")));
  EXPECT_THAT(Tiny({"exec", "db", "busybox", "nslookup", "-type=a", "front"}),
              Succeeds(HasSubstr("10.10.1.3")));
  EXPECT_TRUE(WaitUntil(absl::Seconds(20), [&] {
    return Tiny({"exec", "web", "busybox", "nslookup", "-type=a", "db"}).code == 0;
  }));
  EXPECT_THAT(Tiny({"network", "connect", "back", "web"}), FailsClearly(1, "already"));
  EXPECT_EQ(Tiny({"network", "disconnect", "back", "web"}).code, 0);
  EXPECT_NE(Tiny({"exec", "web", "busybox", "ip", "addr", "show", "eth1"}).code, 0);
  EXPECT_THAT(Tiny({"network", "disconnect", "back", "web"}), FailsClearly(1, "not on network"));
  EXPECT_EQ(Tiny({"network", "disconnect", "-f", "back", "web"}).code, 0);
  RemoveContainers();
  EXPECT_EQ(Tiny({"network", "rm", "back"}).code, 0);
}

TEST_F(NetworkTest, AnIdOfANetworkIsAsGoodAsItsName) {
  const std::string id = Tiny({"network", "create", "back"}).out.substr(0, 64);
  Sleeper("back", {"--name", "one"});
  EXPECT_THAT(Tiny({"network", "disconnect", id, "one"}), Succeeds(""));
  EXPECT_THAT(Tiny({"network", "connect", id, "one"}), Succeeds(""));
  EXPECT_THAT(Tiny({"network", "connect", id.substr(0, 12), "one"}),
              FailsClearly(1, "container one is on network back already"));
  EXPECT_THAT(Tiny({"network", "disconnect", "back", "one"}), Succeeds(""));
  Sleeper(id.substr(0, 12), {"--name", "two"});
  EXPECT_EQ(Inspect("two", "{{.HostConfig.NetworkMode}}"), "back");
  EXPECT_THAT(Tiny({"network", "disconnect", id.substr(0, 9), "two"}), Succeeds(""));
  EXPECT_NE(Tiny({"exec", "two", "busybox", "ip", "addr", "show", "eth0"}).code, 0);
  EXPECT_THAT(Run({"--rm", "--network", "back", "--network", id, "true"}),
              FailsClearly(125, "network back is given twice"));
  for (const std::vector<std::string>& command :
       {std::vector<std::string>{"inspect", ""}, {"connect", "", "one"}, {"rm", ""}}) {
    std::vector<std::string> all = command;
    all.insert(all.begin(), "network");
    EXPECT_THAT(Tiny(all).err, HasSubstr("invalid network name \"\"")) << command[0];
  }
  RemoveContainers();
  EXPECT_EQ(Tiny({"network", "rm", "back"}).code, 0);
}

TEST_F(NetworkTest, TheDefaultRouteIsThatOfANetworkThatIsLeft) {
  EXPECT_EQ(Tiny({"network", "create", "one"}).code, 0);
  EXPECT_EQ(Tiny({"network", "create", "--internal", "inner"}).code, 0);
  EXPECT_EQ(Tiny({"network", "create", "--ipv6", "two"}).code, 0);
  Sleeper("one", {"--name", "web"});
  const std::vector<std::string> route = {"exec", "web", "busybox", "ip", "route"};
  for (const char* network : {"inner", "two"}) {
    EXPECT_THAT(Tiny({"network", "connect", network, "web"}), Succeeds(""));
  }
  EXPECT_THAT(Tiny(route), Succeeds(HasSubstr("default via 10.10.1.1 dev eth0")));
  EXPECT_THAT(Tiny({"exec", "web", "busybox", "ip", "-6", "route"}),
              Succeeds(HasSubstr("default via fd")));
  EXPECT_THAT(Tiny({"network", "disconnect", "one", "web"}), Succeeds(""));
  EXPECT_THAT(Tiny(route), Succeeds(HasSubstr("default via 10.10.3.1 dev eth2")));
  EXPECT_THAT(Tiny({"network", "connect", "one", "web"}), Succeeds(""));
  EXPECT_THAT(Tiny(route), Succeeds(HasSubstr("default via 10.10.3.1 dev eth2")));
  EXPECT_THAT(Tiny({"network", "doctor", "--timeout", "100ms", "web"}).out,
              Not(HasSubstr("default route")));
  EXPECT_EQ(Tiny({"exec", "--privileged", "web", "busybox", "ip", "route", "del", "default"}).code,
            0);
  EXPECT_THAT(Tiny({"network", "doctor", "--timeout", "100ms", "web"}).out,
              HasSubstr("the container has no default route"));
  RemoveContainers();
  EXPECT_EQ(Tiny({"network", "rm", "one", "inner", "two"}).code, 0);
}

TEST_F(NetworkTest, WhoHasLeftAllNetworksCanComeBack) {
  EXPECT_EQ(Tiny({"network", "create", "back"}).code, 0);
  Sleeper("back", {"--name", "web"});
  for (const bool restarted : {false, true}) {
    EXPECT_THAT(Tiny({"network", "disconnect", "back", "web"}), Succeeds(""));
    if (restarted) {
      EXPECT_EQ(Tiny({"restart", "-t", "0", "web"}).code, 0);
    }
    EXPECT_THAT(Tiny({"exec", "web", "busybox", "ip", "-o", "link"}),
                Succeeds(AllOf(HasSubstr("lo:"), Not(HasSubstr("eth0")))));
    EXPECT_EQ(Inspect("web", "{{json .NetworkSettings.Networks}}"), "{}");
    EXPECT_THAT(Tiny({"network", "connect", "back", "web"}), Succeeds(""));
    EXPECT_THAT(Tiny({"exec", "web", "busybox", "ip", "route"}),
                Succeeds(HasSubstr("default via 10.10.1.1 dev eth0")));
    EXPECT_THAT(Tiny({"exec", "web", "busybox", "nslookup", "-type=a", "web"}),
                Succeeds(HasSubstr("10.10.1.2")));
  }
  RemoveContainers();
  EXPECT_EQ(Tiny({"network", "rm", "back"}).code, 0);
}

TEST_F(NetworkTest, TheModesHostAndNoneAreNoNetworks) {
  EXPECT_EQ(Tiny({"network", "create", "back"}).code, 0);
  Sleeper("host", {"--name", "open"});
  Sleeper("none", {"--name", "closed"});
  Sleeper("back", {"--name", "web"});
  EXPECT_THAT(Tiny({"network", "disconnect", "host", "open"}),
              FailsClearly(1, "network mode host is chosen when a container is created"));
  EXPECT_EQ(Inspect("open", "{{.HostConfig.NetworkMode}}"), "host");
  EXPECT_THAT(Tiny({"network", "disconnect", "host", "web"}), FailsClearly(1, "not on network"));
  EXPECT_THAT(Tiny({"network", "connect", "back", "open"}), FailsClearly(1, "mode host"));
  EXPECT_THAT(Tiny({"network", "connect", "host", "web"}), FailsClearly(1, "mode host"));
  EXPECT_THAT(Tiny({"network", "connect", "none", "web"}), FailsClearly(1, "mode none"));
  EXPECT_THAT(Tiny({"network", "connect", "back", "closed"}), FailsClearly(1, "mode none"));
  EXPECT_THAT(Tiny({"network", "disconnect", "none", "closed"}), Succeeds(""));
  EXPECT_THAT(Tiny({"network", "connect", "back", "closed"}), Succeeds(""));
  EXPECT_THAT(Run({"--rm", "--network", "back", "--ip6", "fd00::5", "true"}),
              FailsClearly(125, "fd00::5 can't be had on network back: it has no IPv6"));
  EXPECT_THAT(Tiny({"network", "connect", "--ip6", "fd00::5", "bridge", "web"}),
              FailsClearly(1, "on network bridge: it has no IPv6"));
  RemoveContainers();
  EXPECT_EQ(Tiny({"network", "rm", "back"}).code, 0);
}

TEST_F(NetworkTest, IdsAndAddressesAreShownAsDockerShowsThem) {
  EXPECT_THAT(Tiny({"network", "ls", "-q"}), Succeeds(MatchesRegex("[0-9a-f]{12}\n")));
  const std::string id = Tiny({"network", "create", "back"}).out.substr(0, 64);
  Sleeper("back", {"--name", "web", "-p", "8080:80"});
  EXPECT_EQ(Inspect("web", "{{.NetworkSettings.Networks.back.NetworkID}}"), id);
  EXPECT_EQ(Inspect("web", "{{json .NetworkSettings.Ports}}"),
            "{\"80/tcp\":[{\"HostIp\":\"0.0.0.0\",\"HostPort\":\"8080\"}]}");
  RemoveContainers();
  EXPECT_EQ(Tiny({"network", "rm", "back"}).code, 0);
}

TEST_F(NetworkTest, ARenamedContainerIsFoundByItsNewName) {
  // From an internal network no question goes to a server.
  EXPECT_EQ(Tiny({"network", "create", "--internal", "back"}).code, 0);
  Sleeper("back", {"--name", "peer"});
  Sleeper("back", {"--name", "old", "--network-alias", "store"});
  const auto address_of = [&](const char* name) {
    return Tiny({"exec", "peer", "busybox", "nslookup", "-type=a", name});
  };
  EXPECT_THAT(address_of("old"), Succeeds(HasSubstr("10.10.1.3")));
  EXPECT_THAT(Tiny({"rename", "old", "new"}), Succeeds(""));
  for (const char* name : {"new", "store"}) {
    EXPECT_THAT(address_of(name), Succeeds(HasSubstr("10.10.1.3"))) << name;
  }
  EXPECT_NE(address_of("old").code, 0);
  EXPECT_THAT(Tiny({"network", "inspect", "back"}).out,
              AllOf(HasSubstr("\"Name\": \"new\""), Not(HasSubstr("\"old\""))));
  EXPECT_THAT(Tiny({"rename", "new", "NEW"}), Succeeds(""));
  EXPECT_THAT(address_of("new"), Succeeds(HasSubstr("10.10.1.3")));
  EXPECT_THAT(Tiny({"rename", "NEW", "store"}), Succeeds(""));
  EXPECT_THAT(Tiny({"rename", "store", "last"}), Succeeds(""));
  for (const char* name : {"last", "store"}) {
    EXPECT_THAT(address_of(name), Succeeds(HasSubstr("10.10.1.3"))) << name;
  }
  EXPECT_EQ(Tiny({"rm", "-f", "last"}).code, 0);
  for (const char* name : {"last", "store", "new"}) EXPECT_NE(address_of(name).code, 0) << name;
  RemoveContainers();
  EXPECT_EQ(Tiny({"network", "rm", "back"}).code, 0);
}

TEST_F(NetworkTest, PruneRemovesWhatNoContainerIsOn) {
  EXPECT_EQ(Tiny({"network", "create", "used"}).code, 0);
  EXPECT_EQ(Tiny({"network", "create", "unused"}).code, 0);
  Sleeper("used");
  EXPECT_THAT(Tiny({"network", "prune", "-f"}), Succeeds("unused\n"));
  RemoveContainers();
  EXPECT_THAT(Tiny({"network", "prune", "-f"}), Succeeds("used\n"));
}

TEST_F(NetworkTest, PrunesHeedTheirFilters) {
  EXPECT_EQ(Tiny({"network", "create", "fresh"}).code, 0);
  EXPECT_EQ(Tiny({"network", "create", "--label", "keep=1", "lab"}).code, 0);
  for (const std::vector<std::string>& prune :
       {std::vector<std::string>{"system", "prune", "-f"}, {"network", "prune", "-f"}}) {
    const auto filtered = [&](const std::string& filter) {
      std::vector<std::string> words = prune;
      words.insert(words.end(), {"--filter", filter});
      return Tiny(words);
    };
    for (const char* none : {"until=1h", "label=nosuch"}) {
      const Result result = filtered(none);
      EXPECT_EQ(result.code, 0) << result.err;
      EXPECT_THAT(result.out, Not(HasSubstr("fresh"))) << prune[0];
      EXPECT_THAT(result.out, Not(HasSubstr("lab"))) << prune[0];
    }
    EXPECT_THAT(filtered("label!=keep").out, HasSubstr("fresh\n")) << prune[0];
    EXPECT_THAT(filtered("label=keep=1").out, HasSubstr("lab\n")) << prune[0];
    EXPECT_EQ(Tiny({"network", "create", "fresh"}).code, 0);
    EXPECT_EQ(Tiny({"network", "create", "--label", "keep=1", "lab"}).code, 0);
  }
  EXPECT_EQ(Tiny({"network", "rm", "fresh", "lab"}).code, 0);
}

TEST_F(NetworkTest, TheDefaultSubnetMovesAsideForAHostRoute) {
  // Another machine's network, by way of the neighbour.
  EXPECT_EQ(Run({"--rm", "--network", "host", "--cap-add", "NET_ADMIN", "busybox", "ip", "route",
                 "add", "10.10.0.0/16", "via", "192.0.2.2"})
                .code,
            0);
  const Result result =
      Run({"--rm", "--network", "bridge", "busybox", "ip", "-4", "-o", "addr", "show", "eth0"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("172.31.0.2/24"));
  const std::string note =
      "tiny: note: 10.10.0.0/24 overlaps the route 10.10.0.0/16 of lan0: "
      "the default network uses 172.31.0.0/24\n";
  EXPECT_EQ(result.err, note);
  // It is told once, by the first command that needs the network; one that looks only keeps
  // nothing.
  EXPECT_EQ(Run({"--rm", "--network", "bridge", "true"}).err, "");
  EXPECT_EQ(Tiny({"network", "create", "back"}).code, 0);
  Sleeper("back", {"--name", "web"});
  const std::vector<std::vector<std::string>> kCommands = {
      {"network", "reload"},
      {"network", "connect", "bridge", "web"},
      {"create", "--rootfs", "/:O", "--network", "bridge", "--ip", "172.31.0.9", "true"},
      {"network", "create", "front"},
  };
  for (const std::vector<std::string>& command : kCommands) {
    EXPECT_TRUE(std::filesystem::remove(RootPath() + "/networks/bridge.json"));
    EXPECT_THAT(Tiny({"network", "ls"}),
                AllOf(Succeeds(HasSubstr("bridge")), Field(&Result::err, "")));
    EXPECT_THAT(Tiny({"network", "inspect", "-f", "{{(index .IPAM.Config 0).Subnet}}", "bridge"}),
                AllOf(Succeeds("172.31.0.0/24\n"), Field(&Result::err, "")));
    EXPECT_EQ(Tiny(command).err, note) << command[1];
  }
  RemoveContainers();
  EXPECT_EQ(Tiny({"network", "rm", "back", "front"}).code, 0);
  // The other tests of this machine have the usual subnet.
  EXPECT_EQ(Run({"--rm", "--network", "host", "--cap-add", "NET_ADMIN", "busybox", "ip", "link",
                 "delete", "td0"})
                .code,
            0);
  ASSERT_OK_AND_ASSIGN(auto netfilter, net::NetlinkSocket::Open(NETLINK_NETFILTER));
  net::NftBatch batch({NFPROTO_INET, "tiny"});
  batch.DeleteTable();
  EXPECT_OK(batch.Commit(netfilter));
}

TEST_F(NetworkTest, TheDoctorNamesTheBrokenLinkAndReloadMendsIt) {
  Sleeper("bridge", {"--name", "web", "-p", "8080:80", "--dns", "192.0.2.2"});
  const UniqueFd web = NamespaceOf("web");
  EchoPeer server(web.get(), SOCK_STREAM, 80);
  const std::vector<std::string> doctor = {"network", "doctor", "--timeout", "100ms", "web"};
  // All is well but that there is no DNS server.
  Result result = Tiny(doctor);
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.out, AllOf(HasSubstr("port-holders"), HasSubstr("no DNS server answers")));
  EXPECT_EQ(Run({"--rm", "--network", "host", "--cap-add", "NET_ADMIN", "busybox", "ip", "link",
                 "set", "td0", "down"})
                .code,
            0);
  result = Tiny(doctor);
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.out, AllOf(HasSubstr("td0 is down on the host"),
                                HasSubstr("tiny network reload"), Not(HasSubstr("port-holders"))));
  std::vector<std::string> json = doctor;
  json.insert(json.begin() + 2, "--json");
  EXPECT_THAT(Tiny(json).out, AllOf(HasSubstr("\"bridge-up\""), HasSubstr("\"BROKEN\"")));
  EXPECT_EQ(server.Ask(neighbour(), "192.0.2.1", 8080, 200), "");
  EXPECT_EQ(Tiny({"network", "reload"}).code, 0);
  EXPECT_EQ(server.Ask(neighbour(), "192.0.2.1", 8080), "192.0.2.2");
  EXPECT_THAT(Tiny({"network", "doctor", "nobody"}), FailsClearly(1, "nobody"));
}

}  // namespace
}  // namespace tiny::e2e
