// Published ports, from everywhere they are to be reached from, and from where they are not.
#include <sys/resource.h>
#include <sys/socket.h>

#include <functional>
#include <string>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/files.h"
#include "e2e/network_fixture.h"

namespace tiny::e2e {
namespace {

using runtime::EchoPeer;
using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;

TEST_F(NetworkTest, APublishedPortIsReachedFromEverywhere) {
  Sleeper("bridge", {"--name", "web", "-p", "8080:80", "-p", "5353:53/udp"});
  const std::string sibling = Sleeper("bridge");
  const UniqueFd web = NamespaceOf("web");
  const UniqueFd other = NamespaceOf(sibling);
  const struct {
    int type;
    uint16_t inside, outside;
  } kServices[] = {{SOCK_STREAM, 80, 8080}, {SOCK_DGRAM, 53, 5353}};
  for (const auto& service : kServices) {
    EchoPeer server(web.get(), service.type, service.inside);
    EXPECT_EQ(server.Ask(neighbour(), "192.0.2.1", service.outside), "192.0.2.2");
    EXPECT_EQ(server.Ask(-1, "192.0.2.1", service.outside), "192.0.2.1");
    EXPECT_EQ(server.Ask(-1, "127.0.0.1", service.outside), "10.10.0.1");
    EXPECT_EQ(server.Ask(other.get(), "192.0.2.1", service.outside), "10.10.0.1");
    EXPECT_EQ(server.Ask(web.get(), "192.0.2.1", service.outside), "10.10.0.1");
    EXPECT_EQ(server.Ask(neighbour(), "10.10.0.2", service.inside, 200), "");
  }
  for (const auto& service : kServices) {
    EchoPeer server(web.get(), service.type, service.inside);
    EXPECT_EQ(server.Ask(-1, "::1", service.outside), "10.10.0.1");  // through the supervisor
  }
  EXPECT_THAT(Tiny({"port", "web"}), Succeeds("80/tcp -> 0.0.0.0:8080\n53/udp -> 0.0.0.0:5353\n"));
  EXPECT_THAT(Tiny({"port", "web", "80"}), Succeeds("0.0.0.0:8080\n"));
  EXPECT_THAT(Tiny({"port", "web", "81"}), FailsClearly(1, "81/tcp"));
}

TEST_F(NetworkTest, AServerInAContainerServesThroughAPort) {
  Detached({"--network", "bridge", "-p", "8080:80", "busybox", "nc", "-ll", "-p", "80", "-e",
            "echo", "served"});
  const auto fetch = [&](const char* address) {
    return Run(
        {"--rm", "--network", "host", "sh", "-c",
         absl::StrCat("until busybox nc -w5 ", address, " 8080 </dev/null; do sleep 0.1; done")});
  };
  for (const char* address : {"127.0.0.1", "192.0.2.1", "::1"}) {
    EXPECT_THAT(fetch(address), Succeeds("served\n")) << address;
  }
}

TEST_F(NetworkTest, APortOnLocalhostIsClosedToTheOutside) {
  Sleeper("bridge", {"--name", "web", "-p", "127.0.0.1:8080:80", "-p", "[::1]:8081:80"});
  const UniqueFd web = NamespaceOf("web");
  EchoPeer server(web.get(), SOCK_STREAM, 80);
  EXPECT_EQ(server.Ask(-1, "127.0.0.1", 8080), "10.10.0.1");
  EXPECT_EQ(server.Ask(-1, "::1", 8081), "10.10.0.1");
  for (const uint16_t port : {8080, 8081}) {
    EXPECT_EQ(server.Ask(neighbour(), "192.0.2.1", port, 200), "");
    EXPECT_EQ(server.Ask(neighbour(), "2001:db8::1", port, 200), "");
    EXPECT_EQ(server.Ask(-1, "192.0.2.1", port, 200), "");
  }
  EXPECT_EQ(server.Ask(neighbour(), "10.10.0.2", 80, 200), "");
}

TEST_F(NetworkTest, ANetworkSaysWhereItsPortsArePublished) {
  EXPECT_EQ(Tiny({"network", "create", "-o",
                  "com.docker.network.bridge.host_binding_ipv4=127.0.0.1", "local"})
                .code,
            0);
  Sleeper("local", {"--name", "web", "-p", "8080:80", "-p", "0.0.0.0:8082:80"});
  EXPECT_EQ(Tiny({"port", "add", "web", "8081:80"}).code, 0);
  EXPECT_THAT(Tiny({"port", "web", "80"}),
              Succeeds("127.0.0.1:8080\n0.0.0.0:8082\n127.0.0.1:8081\n"));
  EchoPeer server(NamespaceOf("web").get(), SOCK_STREAM, 80);
  for (const uint16_t port : {8080, 8081}) {
    EXPECT_EQ(server.Ask(-1, "127.0.0.1", port), "10.10.1.1");
    EXPECT_EQ(server.Ask(neighbour(), "192.0.2.1", port, 200), "");
    EXPECT_EQ(server.Ask(-1, "192.0.2.1", port, 200), "");
  }
  EXPECT_EQ(server.Ask(neighbour(), "192.0.2.1", 8082), "192.0.2.2");
  EXPECT_EQ(Tiny({"port", "rm", "web", "8081:80"}).code, 0);
  EXPECT_EQ(server.Ask(-1, "127.0.0.1", 8081, 200), "");
  RemoveContainers();
  EXPECT_EQ(Tiny({"network", "rm", "local"}).code, 0);
}

TEST_F(NetworkTest, TheRelayOfLoopbackOutlivesItsSupervisor) {
  Sleeper("bridge", {"--name", "web", "-p", "8080:80"});
  const UniqueFd web = NamespaceOf("web");
  EchoPeer server(web.get(), SOCK_STREAM, 80);
  EXPECT_EQ(server.Ask(-1, "::1", 8080), "10.10.0.1");
  kill(SupervisorOf("web"), SIGKILL);
  // The kernel's part goes on; the next command brings the rest back.
  EXPECT_EQ(server.Ask(-1, "127.0.0.1", 8080), "10.10.0.1");
  EXPECT_TRUE(WaitUntil(absl::Seconds(20), [&] {
    return Tiny({"ps"}).code == 0 && server.Ask(-1, "::1", 8080, 200) == "10.10.0.1";
  }));
}

TEST_F(NetworkTest, Version6IsReachedFromOutside) {
  EXPECT_EQ(Tiny({"network", "create", "--ipv6", "six"}).code, 0);
  Sleeper("six", {"--name", "web", "-p", "8080:80"});
  const UniqueFd web = NamespaceOf("web");
  EchoPeer server(web.get(), SOCK_STREAM, 80, /*v6=*/true);
  EXPECT_EQ(server.Ask(neighbour(), "2001:db8::1", 8080), "2001:db8::2");
  EXPECT_EQ(server.Ask(-1, "2001:db8::1", 8080), "2001:db8::1");
  EchoPeer outside(neighbour(), SOCK_STREAM, 7, /*v6=*/true);
  EXPECT_EQ(outside.Ask(web.get(), "2001:db8::2", 7), "2001:db8::1");
  RemoveContainers();
  EXPECT_EQ(Tiny({"network", "rm", "six"}).code, 0);
}

TEST_F(NetworkTest, RangesExposedPortsAndRandomOnes) {
  Sleeper("bridge", {"--name", "range", "-p", "9000-9002:80-82", "-p", "83"});
  const Result ports = Tiny({"port", "range"});
  EXPECT_THAT(ports.out, HasSubstr("80/tcp -> 0.0.0.0:9000\n81/tcp -> 0.0.0.0:9001\n"
                                   "82/tcp -> 0.0.0.0:9002\n83/tcp -> 0.0.0.0:"));
  uint32_t random = 0;
  const std::string text = Tiny({"port", "range", "83"}).out;
  EXPECT_TRUE(absl::SimpleAtoi(
      absl::StripAsciiWhitespace(absl::string_view(text).substr(text.find(':') + 1)), &random));
  const UniqueFd range = NamespaceOf("range");
  EchoPeer third(range.get(), SOCK_STREAM, 82);
  EXPECT_EQ(third.Ask(neighbour(), "192.0.2.1", 9002), "192.0.2.2");
  EchoPeer any(range.get(), SOCK_STREAM, 83);
  EXPECT_EQ(any.Ask(neighbour(), "192.0.2.1", static_cast<uint16_t>(random)), "192.0.2.2");
  Sleeper("bridge", {"--name", "all", "--expose", "7000-7001", "--expose", "53/udp", "-P"});
  EXPECT_THAT(Tiny({"port", "all"}).out,
              AllOf(HasSubstr("7000/tcp -> 0.0.0.0:"), HasSubstr("7001/tcp -> 0.0.0.0:"),
                    HasSubstr("53/udp -> 0.0.0.0:")));
  EXPECT_THAT(Run({"--rm", "--network", "bridge", "-p", "9000-9001:80-82", "true"}),
              FailsClearly(125, "2 ports of the host for 3 of the container"));
  EXPECT_THAT(Run({"--rm", "--network", "bridge", "-p", "99999:80", "true"}),
              FailsClearly(125, "99999"));
}

TEST_F(NetworkTest, AThousandPortsWithTheUsualLimitOfOpenFiles) {
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit usual = {1024, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &usual), 0);
  const absl::Cleanup restore = [&] { setrlimit(RLIMIT_NOFILE, &before); };
  Sleeper("bridge", {"--name", "web", "-p", "20000-20999:1000-1999"});
  const UniqueFd web = NamespaceOf("web");
  EchoPeer first(web.get(), SOCK_STREAM, 1000);
  EchoPeer last(web.get(), SOCK_STREAM, 1999);
  EXPECT_EQ(first.Ask(neighbour(), "192.0.2.1", 20000), "192.0.2.2");
  EXPECT_EQ(last.Ask(neighbour(), "192.0.2.1", 20999), "192.0.2.2");
  EXPECT_EQ(last.Ask(-1, "::1", 20999), "10.10.0.1");
  // What the container may open is what it would be without ports.
  EXPECT_THAT(ReadFile(absl::StrCat("/proc/", Inspect("web", "{{.State.Pid}}"), "/limits")).value(),
              ContainsRegex("Max open files +1024 "));
  EXPECT_EQ(Tiny({"restart", "-t", "0", "web"}).code, 0);
  EXPECT_THAT(ReadFile(absl::StrCat("/proc/", Inspect("web", "{{.State.Pid}}"), "/limits")).value(),
              ContainsRegex("Max open files +1024 "));
}

TEST_F(NetworkTest, PortsComeAndGoWhileTheContainerRuns) {
  Sleeper("bridge", {"--name", "web"});
  const UniqueFd web = NamespaceOf("web");
  EchoPeer server(web.get(), SOCK_STREAM, 80);
  EXPECT_EQ(server.Ask(neighbour(), "192.0.2.1", 8080, 200), "");
  EXPECT_THAT(Tiny({"port", "add", "web", "8080:80"}), Succeeds("80/tcp -> 0.0.0.0:8080\n"));
  EXPECT_EQ(server.Ask(neighbour(), "192.0.2.1", 8080), "192.0.2.2");
  EXPECT_TRUE(WaitUntil(absl::Seconds(20),
                        [&] { return server.Ask(-1, "::1", 8080, 200) == "10.10.0.1"; }));
  EXPECT_THAT(Tiny({"port", "add", "web", "8080:81"}), FailsClearly(1, "8080"));
  EXPECT_EQ(Tiny({"port", "rm", "web", "8080:80"}).code, 0);
  EXPECT_EQ(server.Ask(neighbour(), "192.0.2.1", 8080, 200), "");
  EXPECT_THAT(Tiny({"port", "rm", "web", "8080:80"}), FailsClearly(1, "80/tcp"));
  EXPECT_THAT(Tiny({"port", "web"}), Succeeds(""));
}

TEST_F(NetworkTest, APortIsFreeOnceItIsTakenBack) {
  Sleeper("bridge", {"--name", "web", "-p", "8080:80"});
  for (int round = 0; round < 10; ++round) {
    EXPECT_THAT(Tiny({"port", "rm", "web", "8080:80"}), Succeeds("")) << round;
    EXPECT_THAT(Tiny({"port", "add", "web", "8080:80"}), Succeeds("80/tcp -> 0.0.0.0:8080\n"))
        << round;
  }
}

TEST_F(NetworkTest, ATakenPortNamesItsHolder) {
  EchoPeer stranger(-1, SOCK_STREAM, 8080);
  EXPECT_THAT(Run({"--rm", "--network", "bridge", "-p", "8080:80", "true"}),
              FailsClearly(125, absl::StrCat("0.0.0.0:8080/tcp (ports_test, pid ", getpid(), ")")));
  const std::string holder = Sleeper("bridge", {"-p", "8081:80"});
  EXPECT_THAT(Run({"--rm", "--network", "bridge", "-p", "8081:80", "true"}),
              FailsClearly(125, absl::StrCat("(container ", holder.substr(0, 12), ")")));
  // It is free again when its holder is gone.
  EXPECT_EQ(Tiny({"rm", "-f", holder}).code, 0);
  EXPECT_EQ(Run({"--rm", "--network", "bridge", "-p", "8081:80", "true"}).code, 0);
}

TEST_F(NetworkTest, ARestartKeepsThePorts) {
  Sleeper("bridge", {"--name", "web", "-p", "8080:80", "-p", "5353:53/udp"});
  EXPECT_EQ(Tiny({"restart", "-t", "0", "web"}).code, 0);
  const UniqueFd web = NamespaceOf("web");
  EchoPeer tcp(web.get(), SOCK_STREAM, 80);
  EXPECT_EQ(tcp.Ask(neighbour(), "192.0.2.1", 8080), "192.0.2.2");
  EchoPeer udp(web.get(), SOCK_DGRAM, 53);
  EXPECT_EQ(udp.Ask(neighbour(), "192.0.2.1", 5353), "192.0.2.2");
}

}  // namespace
}  // namespace tiny::e2e
