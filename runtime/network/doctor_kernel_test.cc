// Breaks one thing after another in a healthy network, and asserts what the doctor says of each.
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "gtest/gtest.h"
#include "net/legacy_iptables_test_util.h"
#include "net/link.h"
#include "net/network_namespace.h"
#include "net/nft_batch.h"
#include "net/nft_list.h"
#include "net/route.h"
#include "runtime/network/dns_message.h"
#include "runtime/network/doctor.h"
#include "runtime/network/firewall.h"
#include "runtime/network/network_test_util.h"
#include "runtime/network/spoof_guard.h"
#include "testing/isolated.h"
#include "testing/status_matchers.h"

namespace tiny::runtime {
namespace {

using ::tiny::testing::HavePrivilege;
using ::tiny::testing::RunIsolated;

// A child that answers every DNS question in a namespace.
class DnsServer {
 public:
  explicit DnsServer(int netns) {
    UniqueFd fd;
    EXPECT_OK(net::RunInNetworkNamespace(netns, [&] {
      fd.Reset(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
      return absl::OkStatus();
    }));
    sockaddr_in any = {};
    any.sin_family = AF_INET;
    any.sin_port = htons(53);
    EXPECT_EQ(bind(fd.get(), reinterpret_cast<sockaddr*>(&any), sizeof(any)), 0);
    pid_ = fork();
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      Serve(fd.get());
    }
  }
  ~DnsServer() { Stop(); }
  void Stop() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }

 private:
  [[noreturn]] static void Serve(int fd) {
    while (true) {
      char buffer[512];
      sockaddr_in peer = {};
      socklen_t length = sizeof(peer);
      const ssize_t size =
          recvfrom(fd, buffer, sizeof(buffer), 0, reinterpret_cast<sockaddr*>(&peer), &length);
      const absl::string_view query(buffer, size < 0 ? 0 : static_cast<size_t>(size));
      const auto question = ParseDnsQuestion(query);
      if (!question) continue;
      const std::string answer =
          MakeDnsAnswer(query, *question, kDnsNoError, {net::IpAddress::V4(0xc0000202)}, {});
      sendto(fd, answer.data(), answer.size(), 0, reinterpret_cast<sockaddr*>(&peer), length);
    }
  }
  pid_t pid_ = -1;
};

// A healthy container on a network with IPv6, with a published port.
struct Clinic : LanHost {
  Clinic() {
    dns = std::make_unique<DnsServer>(neighbour.netns());
    options.manager = {.root = root.path(), .run_root = root.Path("run")};
    options.timeout = absl::Milliseconds(200);
    options.resolv_conf_path = root.Write("resolv.conf", "nameserver 192.0.2.2\n");
    options.to = "192.0.2.2:7";
    EXPECT_OK(manager->Create({.name = "six", .subnet = "10.50.0.0/24", .ipv6 = true}));
    container = std::make_unique<FakeContainer>(*manager, '1');
    container->config.networks = {{.network = "six"}};
    container->config.ports = {{.host_port = 8080, .container_port = 80}};
    EXPECT_OK(container->Attach());
    server = std::make_unique<EchoPeer>(neighbour.netns(), SOCK_STREAM, 7);
    inside = std::make_unique<net::NetlinkSocket>(
        *net::NetlinkSocket::OpenIn(container->process.netns(), NETLINK_ROUTE));
    host = std::make_unique<net::NetlinkSocket>(*net::NetlinkSocket::Open(NETLINK_ROUTE));
    netfilter = std::make_unique<net::NetlinkSocket>(*net::NetlinkSocket::Open(NETLINK_NETFILTER));
    bridge = manager->Inspect("six")->interface_name;
    eth = net::GetLink(*inside, net::LinkRef("eth0"))->index;
    state.init.pid = container->process.pid();
    state.supervisor.pid = getpid();
    state.endpoints = container->attachment.endpoints;
    state.ports = container->attachment.ports;
  }

  // "check: fact" of the first broken link, or "well".
  std::string Ask() {
    auto diagnoses = DiagnoseNetwork(options, container->config, state);
    if (!diagnoses.ok()) return diagnoses.status().ToString();
    const Diagnosis& last = diagnoses->back();
    if (last.result == Diagnosis::Result::kOk) return "well";
    EXPECT_FALSE(last.fix.empty()) << last.check;
    return absl::StrCat(last.check, ": ", last.fact);
  }

  absl::Status Do(net::NetlinkSocket& socket, absl::FunctionRef<void(net::MessageBuilder&)> fill) {
    net::MessageBuilder batch;
    fill(batch);
    return socket.Execute(batch);
  }
  void Change(net::NetlinkSocket& socket, absl::string_view link, const net::LinkChange& change) {
    EXPECT_OK(Do(socket, [&](auto& batch) { net::ChangeLink(batch, net::LinkRef(link), change); }));
  }

  DoctorOptions options;
  std::unique_ptr<DnsServer> dns;
  std::unique_ptr<FakeContainer> container;
  std::unique_ptr<EchoPeer> server;
  std::unique_ptr<net::NetlinkSocket> inside, host, netfilter;
  std::string bridge;
  int eth = 0;
  state::ContainerState state;
};

struct Case {
  const char* name;
  void (*break_it)(Clinic& clinic);
  std::string (*diagnosis)(Clinic& clinic);
};

void InsideSysctl(Clinic& clinic, const char* path, const char* value) {
  EXPECT_OK(net::RunInNetworkNamespace(clinic.container->process.netns(), [&] {
    return WriteControlFile(absl::StrCat("/proc/sys/net/", path), value);
  }));
}

void RemoveElement(Clinic& clinic, absl::string_view set,
                   const net::NftTable& table = Firewall::Table()) {
  auto elements = net::ListNftElements(*clinic.netfilter, table, set);
  ASSERT_OK(elements);
  net::NftBatch batch(table);
  batch.DeleteElements(set, *elements);
  EXPECT_OK(batch.Commit(*clinic.netfilter));
}

void RemoveRule(Clinic& clinic, absl::string_view comment,
                const net::NftTable& table = Firewall::Table()) {
  auto rules = net::ListNftRules(*clinic.netfilter, table);
  ASSERT_OK(rules);
  for (const net::NftRuleInfo& rule : *rules) {
    if (rule.comment != comment) continue;
    net::NftBatch batch(table);
    batch.DeleteRule(rule.chain, rule.handle);
    EXPECT_OK(batch.Commit(*clinic.netfilter));
  }
}

void RemoveTable(Clinic& clinic, const net::NftTable& table) {
  net::NftBatch batch(table);
  batch.DeleteTable();
  EXPECT_OK(batch.Commit(*clinic.netfilter));
}

void AddForeignDrop(Clinic& clinic) {
  net::NftBatch batch({NFPROTO_IPV4, "filter"});
  batch.AddTable();
  batch.AddChain({.name = "FORWARD",
                  .type = "filter",
                  .hook = NF_INET_FORWARD,
                  .priority = 0,
                  .policy = NF_DROP});
  EXPECT_OK(batch.Commit(*clinic.netfilter));
}

void AddDuplicate(Clinic& clinic) {
  // A second port of the bridge with the container's address: an intruder.
  static FakeProcess* const intruder = new FakeProcess();
  auto bridge = net::GetLink(*clinic.host, net::LinkRef(clinic.bridge));
  ASSERT_OK(bridge);
  EXPECT_OK(clinic.Do(*clinic.host, [&](auto& batch) {
    net::AddVeth(batch, {.name = "intruder",
                         .master = bridge->index,
                         .peer_name = "eth0",
                         .peer_mac = *net::ParseMacAddress("02:00:00:00:00:99"),
                         .peer_netns = intruder->netns()});
  }));
  auto socket = net::NetlinkSocket::OpenIn(intruder->netns(), NETLINK_ROUTE);
  ASSERT_OK(socket);
  auto link = net::GetLink(*socket, net::LinkRef("eth0"));
  ASSERT_OK(link);
  EXPECT_OK(clinic.Do(*socket, [&](auto& batch) {
    net::ChangeLink(batch, net::LinkRef("eth0"), {.up = true});
    net::AddAddress(batch, link->index, *net::ParseIpPrefix("10.50.0.2/24"));
  }));
}

const Case kCases[] = {
    {"Nothing", [](Clinic&) {}, [](Clinic&) -> std::string { return "well"; }},
    {"LoopbackDown", [](Clinic& c) { c.Change(*c.inside, "lo", {.up = false}); },
     [](Clinic&) -> std::string { return "loopback: lo is down in the container"; }},
    {"InterfaceDown", [](Clinic& c) { c.Change(*c.inside, "eth0", {.up = false}); },
     [](Clinic&) -> std::string { return "interface-up: eth0 is down in the container"; }},
    {"InterfaceRenamed",
     [](Clinic& c) {
       EXPECT_OK(c.Do(*c.inside, [&](auto& batch) {
         net::ChangeLink(batch, net::LinkRef(c.eth), {.up = false});
         net::ChangeLink(batch, net::LinkRef(c.eth), {.name = "ens5"});
       }));
     },
     [](Clinic&) -> std::string {
       return "interface: the container's interface is named ens5, not eth0";
     }},
    {"InterfaceGone",
     [](Clinic& c) {
       EXPECT_OK(
           c.Do(*c.inside, [&](auto& batch) { net::DeleteLink(batch, net::LinkRef("eth0")); }));
     },
     [](Clinic&) -> std::string { return "interface: the container has no interface eth0"; }},
    {"AddressGone",
     [](Clinic& c) {
       EXPECT_OK(c.Do(*c.inside, [&](auto& batch) {
         net::DeleteAddress(batch, c.eth, *net::ParseIpPrefix("10.50.0.2/24"));
       }));
     },
     [](Clinic&) -> std::string { return "address: eth0 has not the address 10.50.0.2/24"; }},
    {"Version6Off", [](Clinic& c) { InsideSysctl(c, "ipv6/conf/eth0/disable_ipv6", "1"); },
     [](Clinic&) -> std::string { return "address6: IPv6 is off on eth0 in the container"; }},
    {"DefaultRouteGone",
     [](Clinic& c) {
       EXPECT_OK(c.Do(*c.inside, [&](auto& batch) {
         net::DeleteRoute(batch, {.gateway = *net::ParseIpAddress("10.50.0.1")});
       }));
     },
     [](Clinic&) -> std::string { return "default-route: the container has no default route"; }},
    {"WrongDefaultRoute",
     [](Clinic& c) {
       EXPECT_OK(c.Do(*c.inside, [&](auto& batch) {
         net::DeleteRoute(batch, {.gateway = *net::ParseIpAddress("10.50.0.1")});
         net::AddRoute(batch, {.gateway = *net::ParseIpAddress("10.50.0.77"), .link = c.eth});
       }));
     },
     [](Clinic&) -> std::string {
       return "default-route: the container's default route is 10.50.0.77, not 10.50.0.1";
     }},
    {"BridgeGone",
     [](Clinic& c) {
       EXPECT_OK(
           c.Do(*c.host, [&](auto& batch) { net::DeleteLink(batch, net::LinkRef(c.bridge)); }));
     },
     [](Clinic& c) { return absl::StrCat("bridge: the host has no interface ", c.bridge); }},
    {"BridgeDown", [](Clinic& c) { c.Change(*c.host, c.bridge, {.up = false}); },
     [](Clinic& c) { return absl::StrCat("bridge-up: ", c.bridge, " is down on the host"); }},
    {"BridgeAddressGone",
     [](Clinic& c) {
       const int index = net::GetLink(*c.host, net::LinkRef(c.bridge))->index;
       EXPECT_OK(c.Do(*c.host, [&](auto& batch) {
         net::DeleteAddress(batch, index, *net::ParseIpPrefix("10.50.0.1/24"));
       }));
     },
     [](Clinic& c) {
       return absl::StrCat("bridge-address: ", c.bridge,
                           " has not the gateway's address 10.50.0.1");
     }},
    {"VethDown", [](Clinic& c) { c.Change(*c.host, "tv1111111111110", {.up = false}); },
     [](Clinic&) -> std::string { return "veth-up: the host's end tv1111111111110 is down"; }},
    {"VethOffTheBridge", [](Clinic& c) { c.Change(*c.host, "tv1111111111110", {.master = 0}); },
     [](Clinic& c) {
       return absl::StrCat("veth-enslaved: tv1111111111110 is not a port of ", c.bridge);
     }},
    {"WrongMtu", [](Clinic& c) { c.Change(*c.inside, "eth0", {.mtu = 9000}); },
     [](Clinic& c) { return absl::StrCat("mtu: eth0 has MTU 9000, but ", c.bridge, " has 1500"); }},
    {"SmallerMtuOutside", [](Clinic& c) { c.Change(*c.host, "lan0", {.mtu = 1400}); },
     [](Clinic&) -> std::string {
       return "mtu: eth0 has MTU 1500, but the way out of the host has 1400";
     }},
    {"DuplicateAddress", AddDuplicate,
     [](Clinic&) -> std::string {
       return "duplicate-address: the address 10.50.0.2 is also that of 02:00:00:00:00:99";
     }},
    {"ForwardingOff",
     [](Clinic&) { EXPECT_OK(WriteControlFile("/proc/sys/net/ipv4/ip_forward", "0")); },
     [](Clinic&) -> std::string {
       return "forwarding: the host does not forward packets: net.ipv4.ip_forward is 0";
     }},
    {"ReversePathFilter",
     [](Clinic& c) {
       EXPECT_OK(WriteControlFile("/proc/sys/net/ipv4/conf/all/rp_filter", "1"));
       EXPECT_OK(c.Do(*c.host, [&](auto& batch) {
         net::AddRoute(batch, {.destination = *net::ParseIpPrefix("10.50.0.2/32"),
                               .gateway = *net::ParseIpAddress("192.0.2.2")});
       }));
     },
     [](Clinic& c) {
       return absl::StrCat("reverse-path: the host's route to 10.50.0.2 leads to lan0, not to ",
                           c.bridge, ", and rp_filter drops what the container sends");
     }},
    {"HostRouteGone",
     [](Clinic& c) {
       EXPECT_OK(c.Do(*c.host, [&](auto& batch) {
         net::DeleteRoute(batch, {.gateway = *net::ParseIpAddress("192.0.2.2")});
       }));
     },
     [](Clinic&) -> std::string { return "host-route: the host itself has no default route"; }},
    {"MacAddressChanged",
     [](Clinic& c) {
       c.Change(*c.inside, "eth0", {.mac = *net::ParseMacAddress("02:00:00:00:00:77")});
     },
     [](Clinic&) -> std::string {
       return "spoof-guard: eth0 has the MAC address 02:00:00:00:00:77, not 02:42:0a:32:00:02: the "
              "host drops what it sends";
     }},
    {"GuardElementGone", [](Clinic& c) { RemoveElement(c, "addresses4", SpoofGuard::Table()); },
     [](Clinic&) -> std::string {
       return "spoof-guard: tv1111111111110 is not in the nft set bridge tiny addresses4";
     }},
    {"GuardFlushed", [](Clinic& c) { RemoveTable(c, SpoofGuard::Table()); },
     [](Clinic&) -> std::string { return "firewall-table: the nft table bridge tiny is gone"; }},
    {"GuardRuleGone",
     [](Clinic& c) { RemoveRule(c, "router advertisements", SpoofGuard::Table()); },
     [](Clinic&) -> std::string {
       return "firewall-rules: the rule \"router advertisements\" of the nft chain bridge tiny "
              "guard is gone";
     }},
    {"TableFlushed", [](Clinic& c) { RemoveTable(c, Firewall::Table()); },
     [](Clinic&) -> std::string { return "firewall-table: the nft table inet tiny is gone"; }},
    {"MasqueradeRuleGone", [](Clinic& c) { RemoveRule(c, "v4 to the world"); },
     [](Clinic&) -> std::string {
       return "firewall-rules: the rule \"v4 to the world\" of the nft chain inet tiny masquerade "
              "is gone";
     }},
    {"NetworkElementGone",
     [](Clinic& c) {
       std::vector<Firewall::Entry> entries = Firewall::EntriesOf(*c.manager->Inspect("six"));
       std::erase_if(entries, [](const Firewall::Entry& entry) { return entry.set != "masq4"; });
       EXPECT_OK(Firewall::Remove(*c.netfilter, entries));
     },
     [](Clinic&) -> std::string {
       return "firewall-network: network six is not in the nft set inet tiny masq4";
     }},
    {"ForeignDrop", AddForeignDrop,
     [](Clinic& c) {
       return absl::StrCat(
           "foreign-forward: the chain FORWARD of the foreign nft table filter drops what it does "
           "not know, and ",
           c.bridge, " is not known there");
     }},
    {"LegacyForeignDrop", [](Clinic&) { EXPECT_TRUE(net::DropForwardBut({})); },
     [](Clinic& c) {
       return absl::StrCat(
           "foreign-forward: the chain FORWARD of the legacy iptables drops what it does not know, "
           "and ",
           c.bridge, " is not known there");
     }},
    {"PortElementGone", [](Clinic& c) { RemoveElement(c, "dnat4_any"); },
     [](Clinic&) -> std::string {
       return "port-elements: the port 0.0.0.0:8080/tcp is not in the nft map inet tiny dnat4_any";
     }},
    {"PortHeldByAStranger",
     [](Clinic& c) {
       // The supervisor is another process than the one that has the socket: this one.
       c.state.supervisor.pid = 1;
     },
     [](Clinic&) {
       return absl::StrCat(
           "port-holders: the port 0.0.0.0:8080/tcp is also held by "
           "doctor_kernel_t, pid ",
           getpid());
     }},
    {"ResolvConfPointsAtAStub",
     [](Clinic& c) { c.root.Write("resolv.conf", "nameserver 127.0.0.53\n"); },
     [](Clinic&) -> std::string {
       return "resolv-conf: the container's resolv.conf points at 127.0.0.53, where nothing of the "
              "container listens";
     }},
    {"DeadDns", [](Clinic& c) { c.root.Write("resolv.conf", "nameserver 192.0.2.99\n"); },
     [](Clinic&) -> std::string {
       return "dns: no DNS server answers the container: 192.0.2.99 (no answer)";
     }},
    {"NobodyListensThere", [](Clinic& c) { c.options.to = "192.0.2.2:9"; },
     [](Clinic&) -> std::string {
       return "connection: the container can't connect to 192.0.2.2:9: Connection refused";
     }},
};

class DoctorTest : public ::testing::TestWithParam<Case> {};

TEST_P(DoctorTest, NamesTheFirstBrokenLink) {
  if (!HavePrivilege()) GTEST_SKIP() << "needs root";
  RunIsolated(CLONE_NEWNET, [] {
    Clinic clinic;
    GetParam().break_it(clinic);
    EXPECT_EQ(clinic.Ask(), GetParam().diagnosis(clinic));
  });
}

INSTANTIATE_TEST_SUITE_P(Broken, DoctorTest, ::testing::ValuesIn(kCases),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(DoctorMendsTest, TheDocumentedRulesLetAForeignDropPass) {
  if (!HavePrivilege()) GTEST_SKIP() << "needs root";
  RunIsolated(CLONE_NEWNET, [] {
    Clinic clinic;
    AddForeignDrop(clinic);
    EXPECT_EQ(clinic.server->Ask(clinic.container->process.netns(), "192.0.2.2", 7, 200), "");
    // What the doctor's command does.
    net::NftBatch batch({NFPROTO_IPV4, "filter"});
    for (const auto key : {NFT_META_IIFNAME, NFT_META_OIFNAME}) {
      batch.InsertRule("FORWARD", "")
          .Meta(key, net::kReg0)
          .CompareString(NFT_CMP_EQ, net::kReg0, clinic.bridge)
          .Counter()
          .Verdict(NF_ACCEPT);
    }
    ASSERT_OK(batch.Commit(*clinic.netfilter));
    EXPECT_EQ(clinic.Ask(), "well");
    EXPECT_EQ(clinic.server->Ask(clinic.container->process.netns(), "192.0.2.2", 7), "192.0.2.1");
  });
}

TEST(DoctorMendsTest, TheDocumentedRulesLetALegacyDropPass) {
  if (!HavePrivilege()) GTEST_SKIP() << "needs root";
  RunIsolated(CLONE_NEWNET, [] {
    Clinic clinic;
    const int netns = clinic.container->process.netns();
    EXPECT_EQ(clinic.server->Ask(netns, "192.0.2.2", 7), "192.0.2.1");
    ASSERT_TRUE(net::DropForwardBut({}));
    EXPECT_EQ(clinic.server->Ask(netns, "192.0.2.2", 7, 200), "");
    auto diagnoses = DiagnoseNetwork(clinic.options, clinic.container->config, clinic.state);
    ASSERT_OK(diagnoses);
    EXPECT_EQ(diagnoses->back().fix, absl::StrCat("iptables-legacy -I FORWARD -i ", clinic.bridge,
                                                  " -j ACCEPT; iptables-legacy -I FORWARD -o ",
                                                  clinic.bridge, " -j ACCEPT"));
    // What these commands do.
    ASSERT_TRUE(net::DropForwardBut({clinic.bridge}));
    EXPECT_EQ(clinic.Ask(), "well");
    EXPECT_EQ(clinic.server->Ask(netns, "192.0.2.2", 7), "192.0.2.1");
  });
}

TEST(DoctorMendsTest, ReloadMendsWhatItSaysItMends) {
  if (!HavePrivilege()) GTEST_SKIP() << "needs root";
  RunIsolated(CLONE_NEWNET, [] {
    Clinic clinic;
    clinic.Change(*clinic.host, "tv1111111111110", {.up = false, .master = 0});
    clinic.Change(*clinic.host, clinic.bridge, {.up = false});
    RemoveElement(clinic, "dnat4_any");
    ASSERT_OK(clinic.manager->Reload());
    EXPECT_EQ(clinic.Ask(), "well");
    ASSERT_OK(clinic.Do(*clinic.host,
                        [&](auto& batch) { net::DeleteLink(batch, net::LinkRef(clinic.bridge)); }));
    ASSERT_OK(clinic.manager->Reload());
    EXPECT_EQ(clinic.Ask(), "well");
  });
}

}  // namespace
}  // namespace tiny::runtime
