// What a container finds on each kind of network, and whom it can talk to.
#include <signal.h>
#include <sys/socket.h>
#include <sys/utsname.h>

#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "e2e/network_fixture.h"

namespace tiny::e2e {
namespace {

using runtime::EchoPeer;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST_F(NetworkTest, ABridgeGivesAnAddressARouteAndAGateway) {
  const Result result = Run({"--rm", "--network", "bridge", "sh", "-c",
                             "busybox ip addr; busybox ip route; busybox ping -c1 -W5 10.10.0.1"});
  EXPECT_THAT(result, Succeeds(AllOf(HasSubstr("inet 127.0.0.1/8"), HasSubstr("inet 10.10.0.2/24"),
                                     HasSubstr("default via 10.10.0.1 dev eth0"),
                                     Not(HasSubstr("fe80")), HasSubstr("1 packets received"))));
  EXPECT_EQ(result.err, "");
}

TEST_F(NetworkTest, TheBridgeIsWhatARunGetsUnasked) {
  EXPECT_THAT(Tiny({"run", "--rm", "--cgroup-parent", cgroup_parent(), "--rootfs", "/:O", "busybox",
                    "ip", "-4", "-o", "addr", "show", "eth0"}),
              Succeeds(HasSubstr("10.10.0.2/24")));
}

TEST_F(NetworkTest, ContainersOfANetworkFindEachOtherByNameAndAlias) {
  EXPECT_EQ(Tiny({"network", "create", "back"}).code, 0);
  Sleeper("back", {"--name", "db", "--network-alias", "store", "--hostname", "box"});
  const std::string address = "10.10.1.2";
  EXPECT_EQ(AddressOf("db"), address);
  for (const char* name : {"db", "store", "box", "db.back"}) {
    EXPECT_THAT(Run({"--rm", "--network", "back", "busybox", "nslookup", "-type=a", name}),
                Succeeds(HasSubstr(address)))
        << name;
  }
  EXPECT_THAT(Run({"--rm", "--network", "back", "busybox", "ping", "-c1", "-W5", address}),
              Succeeds(HasSubstr("1 packets received")));
  // A server in one, a client in the other.
  Detached({"--network", "back", "--name", "web", "busybox", "nc", "-ll", "-p", "80", "-e", "echo",
            "served"});
  const char* client =
      "a=$(busybox nslookup -type=a web | sed -n 's/^Address: //p' | tail -1); "
      "until busybox nc -w5 $a 80 </dev/null; do sleep 0.1; done";
  EXPECT_THAT(Run({"--rm", "--network", "back", "sh", "-c", client}), Succeeds("served\n"));
  // Another network's do not.
  EXPECT_EQ(Tiny({"network", "create", "front"}).code, 0);
  EXPECT_NE(Run({"--rm", "--network", "front", "busybox", "nslookup", "-type=a", "db"}).code, 0);
  const std::string other = Sleeper("front");
  EchoPeer server(NamespaceOf("db").get(), SOCK_STREAM, 5432);
  EXPECT_EQ(server.Ask(NamespaceOf(other).get(), address, 5432, 200), "");
  RemoveContainers();
  EXPECT_THAT(Tiny({"network", "rm", "back", "front"}), Succeeds("back\nfront\n"));
}

TEST_F(NetworkTest, NoneAndIsolatedHaveLoopbackAlone) {
  const char* script =
      "busybox ip -o link | wc -l; busybox ip -4 -o addr; busybox ping -c1 127.0.0.1; "
      "busybox ip route | wc -l";
  for (const char* mode : {"none", "isolated"}) {
    EXPECT_THAT(Run({"--rm", "--network", mode, "sh", "-c", script}),
                Succeeds(AllOf(::testing::StartsWith("1\n"), HasSubstr("inet 127.0.0.1/8"),
                               HasSubstr("1 packets received"), ::testing::EndsWith("\n0\n"))))
        << mode;
  }
}

TEST_F(NetworkTest, HostIsTheHostsOwn) {
  EXPECT_THAT(Run({"--rm", "--network", "host", "busybox", "ip", "-o", "addr", "show", "lan0"}),
              Succeeds(HasSubstr("192.0.2.1/24")));
  utsname host = {};
  EXPECT_EQ(uname(&host), 0);
  const char* script = "hostname; cat /etc/hostname; echo $HOSTNAME";
  const std::string name = absl::StrCat(host.nodename, "\n");
  EXPECT_THAT(Run({"--rm", "--network", "host", "sh", "-c", script}),
              Succeeds(absl::StrCat(name, name, name)));
  EXPECT_THAT(Run({"--rm", "--network", "host", "-h", "box", "sh", "-c", script}),
              Succeeds("box\nbox\nbox\n"));
}

TEST_F(NetworkTest, AContainersNetworkCanBeShared) {
  const std::string owner = Sleeper("bridge", {"--name", "owner"});
  EXPECT_THAT(Run({"--rm", "--network", "container:owner", "busybox", "ip", "-4", "-o", "addr",
                   "show", "eth0"}),
              Succeeds(HasSubstr("10.10.0.2/24")));
  EXPECT_THAT(Run({"--rm", "--network", "container:nobody", "true"}), FailsClearly(125, "nobody"));
  EXPECT_THAT(Run({"--rm", "--network", "container:owner", "-p", "80", "true"}),
              FailsClearly(125, "port"));
}

TEST_F(NetworkTest, WhoSharesANetworkSharesItsNames) {
  EXPECT_EQ(Tiny({"network", "create", "back"}).code, 0);
  Sleeper("back", {"--name", "db"});
  Sleeper("back", {"--name", "owner", "--hostname", "box", "--add-host", "elsewhere:192.0.2.2"});
  Sleeper("container:owner", {"--name", "side"});
  const char* script =
      "hostname; echo $HOSTNAME; cat /etc/hostname /etc/hosts /etc/resolv.conf; "
      "busybox nslookup -type=a db";
  const Result owner = Tiny({"exec", "owner", "sh", "-c", script});
  EXPECT_THAT(owner, Succeeds(AllOf(HasSubstr("box\nbox\nbox\n"), HasSubstr("\telsewhere"),
                                    HasSubstr("127.0.0.11"), HasSubstr("10.10.1.2"))));
  for (const char* mode : {"container:owner", "container:side"}) {
    EXPECT_THAT(Run({"--rm", "--network", mode, "sh", "-c", script}), Succeeds(owner.out)) << mode;
  }
  // What changes, changes for all.
  EXPECT_EQ(Tiny({"network", "connect", "bridge", "owner"}).code, 0);
  EXPECT_THAT(Tiny({"exec", "side", "cat", "/etc/hosts"}), Succeeds(HasSubstr("10.10.0.2\tbox")));
  for (const std::string flag : {"--hostname=a", "--dns=192.0.2.2", "--add-host=a:192.0.2.2"}) {
    EXPECT_THAT(Run({"--rm", "--network", "container:owner", flag, "true"}),
                FailsClearly(125, "do not go with --network container:owner"));
  }
  RemoveContainers();
  EXPECT_EQ(Tiny({"network", "rm", "back"}).code, 0);
}

TEST_F(NetworkTest, WhoOutlivesTheOwnerOfANetworkLosesItsAddress) {
  const char* addresses = "busybox ip -4 -o addr | wc -l; busybox ip link show eth0";
  Sleeper("bridge", {"--name", "owner"});
  const std::string address = AddressOf("owner");
  Sleeper("container:owner", {"--name", "side"});
  EXPECT_THAT(Tiny({"exec", "side", "sh", "-c", addresses}), Succeeds(HasSubstr("eth0")));
  EXPECT_EQ(Tiny({"stop", "-t", "0", "owner"}).code, 0);
  const Result left = Tiny({"exec", "side", "sh", "-c", addresses});
  EXPECT_EQ(left.out, "1\n");
  EXPECT_THAT(left.err, HasSubstr("eth0"));
  Sleeper("bridge", {"--name", "heir"});
  EXPECT_EQ(AddressOf("heir"), address);
  // The next run of the owner has a namespace of its own, and a restart makes another.
  EXPECT_EQ(Tiny({"start", "owner"}).code, 0);
  Sleeper("container:owner", {"--name", "next"});
  EXPECT_EQ(Tiny({"restart", "-t", "0", "owner"}).code, 0);
  EXPECT_EQ(Tiny({"exec", "next", "sh", "-c", addresses}).out, "1\n");
  EXPECT_EQ(AddressOf("owner"), "10.10.0.3");
  // What the engine learns of the end only later, too.
  Sleeper("container:owner", {"--name", "third"});
  kill(SupervisorOf("owner"), SIGKILL);
  kill(std::stoi(Inspect("owner", "{{.State.Pid}}")), SIGKILL);
  EXPECT_TRUE(Eventually({"ps", "-af", "name=owner", "--format", "{{.State}}"}, "exited\n"));
  EXPECT_EQ(Tiny({"exec", "third", "sh", "-c", addresses}).out, "1\n");
  RemoveContainers();
}

TEST_F(NetworkTest, AddressesAndNamesAsAskedFor) {
  EXPECT_EQ(Tiny({"network", "create", "--subnet", "10.77.0.0/24", "--ipv6", "fixed"}).code, 0);
  const char* script =
      "hostname; busybox ip -o addr show eth0; busybox ip -o link show eth0; cat /etc/hosts; "
      "busybox ip -6 route";
  EXPECT_THAT(Run({"--rm", "--network", "fixed", "--ip", "10.77.0.50", "--mac-address",
                   "02:00:00:00:00:50", "--hostname", "chosen", "--add-host", "elsewhere:192.0.2.2",
                   "--dns", "192.0.2.2", "sh", "-c", script}),
              Succeeds(AllOf(HasSubstr("chosen\n"), HasSubstr("10.77.0.50/24"),
                             HasSubstr("02:00:00:00:00:50"), HasSubstr("192.0.2.2\telsewhere"))));
  EXPECT_THAT(Run({"--rm", "--network", "fixed", "--ip", "10.78.0.1", "true"}),
              FailsClearly(125, "10.78.0.1 can't be had on network fixed"));
  Sleeper("fixed", {"--name", "holder", "--ip", "10.77.0.50"});
  EXPECT_THAT(Run({"--rm", "--network", "fixed", "--ip", "10.77.0.50", "true"}),
              FailsClearly(125, "10.77.0.50"));
  EXPECT_THAT(Run({"--rm", "--network", "nowhere", "true"}),
              FailsClearly(125, "no such network: nowhere"));
  RemoveContainers();
  EXPECT_EQ(Tiny({"network", "rm", "fixed"}).code, 0);
}

TEST_F(NetworkTest, TheWorldIsReachedByTheHostsAddressAndNotFromAnInternalNetwork) {
  EXPECT_EQ(Tiny({"network", "create", "--internal", "inner"}).code, 0);
  const std::string open = Sleeper("bridge");
  const std::string closed = Sleeper("inner");
  for (const int type : {SOCK_STREAM, SOCK_DGRAM}) {
    EchoPeer server(neighbour(), type, 7);
    EXPECT_EQ(server.Ask(NamespaceOf(open).get(), "192.0.2.2", 7), "192.0.2.1");
    EXPECT_EQ(server.Ask(NamespaceOf(closed).get(), "192.0.2.2", 7, 200), "");
  }
  RemoveContainers();
  EXPECT_EQ(Tiny({"network", "rm", "inner"}).code, 0);
}

TEST_F(NetworkTest, WithoutConnectivityNeighboursDoNotMeet) {
  EXPECT_EQ(
      Tiny({"network", "create", "-o", "com.docker.network.bridge.enable_icc=false", "apart"}).code,
      0);
  Sleeper("apart", {"--name", "web", "-p", "8080:80"});
  Sleeper("apart", {"--name", "client", "--cap-add", "NET_ADMIN"});
  EchoPeer server(NamespaceOf("web").get(), SOCK_STREAM, 80);
  const UniqueFd client = NamespaceOf("client");
  const std::string address = AddressOf("web");
  EXPECT_EQ(server.Ask(client.get(), address, 80, 200), "");
  // Nor by way of the gateway.
  EXPECT_EQ(
      Tiny({"exec", "client", "busybox", "ip", "route", "add", address, "via", "10.10.1.1"}).code,
      0);
  EXPECT_EQ(server.Ask(client.get(), address, 80, 200), "");
  EXPECT_EQ(server.Ask(neighbour(), "192.0.2.1", 8080), "192.0.2.2");
  EchoPeer outside(neighbour(), SOCK_STREAM, 7);
  EXPECT_EQ(outside.Ask(client.get(), "192.0.2.2", 7), "192.0.2.1");
  // A port that is put back is no other than before.
  EXPECT_EQ(Tiny({"network", "reload"}).code, 0);
  EXPECT_EQ(server.Ask(client.get(), address, 80, 200), "");
  RemoveContainers();
  EXPECT_EQ(Tiny({"network", "rm", "apart"}).code, 0);
}

TEST_F(NetworkTest, AFullSubnetSaysSo) {
  EXPECT_EQ(Tiny({"network", "create", "--subnet", "10.88.0.0/29", "small"}).code, 0);
  std::string last;
  for (int i = 0; i < 5; ++i) last = Sleeper("small");
  EXPECT_THAT(Run({"--rm", "--network", "small", "true"}),
              FailsClearly(125, "no free address in 10.88.0.0/29 (5 in use)"));
  EXPECT_EQ(Tiny({"rm", "-f", last}).code, 0);
  EXPECT_EQ(Run({"--rm", "--network", "small", "true"}).code, 0);
  RemoveContainers();
  EXPECT_EQ(Tiny({"network", "rm", "small"}).code, 0);
}

TEST_F(NetworkTest, ManyStartsAtOnceGetAnAddressEach) {
  constexpr int kStarts = 60;
  std::vector<pid_t> starts;
  for (int i = 0; i < kStarts; ++i) {
    starts.push_back(Spawn(RunArgs({"-d", "--network", "bridge", "sleep", "1000"})));
  }
  std::set<std::string> addresses;
  for (const pid_t start : starts) {
    const Result result = Finish(start);
    ASSERT_EQ(result.code, 0) << result.err;
    addresses.insert(AddressOf(result.out.substr(0, 12)));
  }
  EXPECT_EQ(addresses.size(), static_cast<size_t>(kStarts));
  RemoveContainers();
}

}  // namespace
}  // namespace tiny::e2e
