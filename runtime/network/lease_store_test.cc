#include "runtime/network/lease_store.h"

#include <unistd.h>

#include "base/files.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "runtime/network/address_pool.h"
#include "runtime/network/port_publisher.h"
#include "testing/status_matchers.h"
#include "testing/temp_dir.h"

namespace tiny::runtime {
namespace {

using ::testing::ElementsAre;
using ::tiny::testing::StatusIs;
using ::tiny::testing::TempDir;

Lease MyLease(std::string container) {
  Lease lease;
  lease.container = std::move(container);
  lease.process = *IdentifyProcess(getpid());
  return lease;
}

Lease DeadLease(std::string container) {
  Lease lease = MyLease(std::move(container));
  lease.process.start_time += 1;
  return lease;
}

TEST(LeaseTest, ItsTextIsReadBack) {
  Lease lease = MyLease("abc");
  lease.values = {"10.10.0.2", "-"};
  const auto read = ParseLease(lease.Text());
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->container, "abc");
  EXPECT_EQ(read->process, lease.process);
  EXPECT_THAT(read->values, ElementsAre("10.10.0.2", "-"));
  for (const char* text : {"", "abc", "abc 1 2", "abc x 2 boot", "abc -1 2 boot", "abc 1 x boot"}) {
    EXPECT_FALSE(ParseLease(text).has_value()) << text;
  }
}

TEST(LivenessTest, TheDeadAreRebootedReusedOrGone) {
  Liveness liveness;
  Lease lease = MyLease("abc");
  EXPECT_TRUE(liveness.IsAlive(lease));
  EXPECT_FALSE(liveness.IsAlive(DeadLease("abc")));
  lease.process.boot_id = "another";
  EXPECT_FALSE(liveness.IsAlive(lease));
}

TEST(LeaseStoreTest, OnlyALockOrAClaimMakesItsFolder) {
  TempDir dir;
  ASSERT_OK_AND_ASSIGN(const LeaseStore store, LeaseStore::Open(dir.Path("run")));
  EXPECT_THAT(store.List("addresses"), ElementsAre());
  EXPECT_FALSE(store.Read("ports/tcp_any_80").has_value());
  EXPECT_OK(store.Release("ports/tcp_any_80", "one"));
  store.RemoveFolder("names/net");
  EXPECT_FALSE(PathExists(dir.Path("run")));
  EXPECT_TRUE(store.Claim("ports/tcp_any_80", MyLease("one")).value());
  EXPECT_EQ(store.Read("ports/tcp_any_80")->container, "one");
}

TEST(LeaseStoreTest, OneClaimWins) {
  TempDir dir;
  ASSERT_OK_AND_ASSIGN(const LeaseStore store, LeaseStore::Open(dir.path()));
  EXPECT_TRUE(store.Claim("ports/tcp_any_80", MyLease("one")).value());
  EXPECT_FALSE(store.Claim("ports/tcp_any_80", MyLease("two")).value());
  EXPECT_OK(store.Release("ports/tcp_any_80", "two"));
  EXPECT_EQ(store.Read("ports/tcp_any_80")->container, "one");
  EXPECT_OK(store.Release("ports/tcp_any_80", "one"));
  EXPECT_FALSE(store.Read("ports/tcp_any_80").has_value());
  // A new folder is made with its first lease.
  EXPECT_TRUE(store.Claim("names/net/web/one", MyLease("one")).value());
  EXPECT_THAT(store.List("names/net/web"), ElementsAre("one"));
}

Network SmallNetwork() {
  Network network;
  network.name = "small";
  network.subnet = "10.0.0.0/29";
  network.gateway = "10.0.0.1";
  network.aux_addresses = {{"router", "10.0.0.3"}};
  return network;
}

TEST(AddressPoolTest, GivesTheLowestAndReclaimsTheDead) {
  TempDir dir;
  ASSERT_OK_AND_ASSIGN(const LeaseStore store, LeaseStore::Open(dir.path()));
  const Network network = SmallNetwork();
  ASSERT_OK_AND_ASSIGN(const AddressPool pool, AddressPool::V4(network));
  int sweeps = 0;
  const auto sweep = [&]() -> absl::Status {
    ++sweeps;
    Liveness liveness;
    for (const std::string& name : store.List("addresses/small")) {
      store.ReleaseDead("addresses/small/" + name, liveness);
    }
    return absl::OkStatus();
  };
  const auto take = [&](const Lease& lease, const std::string& wanted = "") {
    const net::IpAddress address = wanted.empty() ? net::IpAddress() : *net::ParseIpAddress(wanted);
    auto taken = TakeAddress(store, network, pool, address, lease, sweep);
    return taken.ok() ? taken->ToString() : std::string(taken.status().message());
  };
  EXPECT_EQ(take(MyLease("a")), "10.0.0.2");
  EXPECT_EQ(take(DeadLease("b")), "10.0.0.4");
  EXPECT_EQ(take(MyLease("c"), "10.0.0.6"), "10.0.0.6");
  EXPECT_EQ(take(MyLease("d")), "10.0.0.5");
  EXPECT_EQ(sweeps, 0);
  EXPECT_EQ(take(MyLease("e")), "10.0.0.4");
  EXPECT_EQ(sweeps, 1);
  EXPECT_EQ(take(MyLease("f")), "no free address in 10.0.0.0/29 (4 in use)");
  EXPECT_EQ(take(MyLease("f"), "10.0.0.2"),
            "address 10.0.0.2 of network small is in use by container a");
  EXPECT_EQ(take(MyLease("f"), "10.0.0.3"),
            "10.0.0.3 of network small is reserved and never given out");
  EXPECT_EQ(take(MyLease("f"), "10.0.1.3"),
            "10.0.1.3 is not in the subnet 10.0.0.0/29 of network small");
}

TEST(PortLeaseTest, IsReadBack) {
  const state::PortMapping mapping = {
      .host_ip = "127.0.0.1", .host_port = 8080, .container_port = 80, .protocol = "udp"};
  EXPECT_EQ(PortLease(mapping), "ports/udp_127.0.0.1_8080");
  EXPECT_EQ(PortLease({.host_ip = "0.0.0.0", .host_port = 80}), "ports/tcp_any_80");
  Lease lease = MyLease("abc");
  lease.values = {"10.10.0.2", "-", "80"};
  const auto port = ParsePortLease("udp_127.0.0.1_8080", lease);
  ASSERT_TRUE(port.has_value());
  EXPECT_EQ(port->host.ToString(), "127.0.0.1");
  EXPECT_EQ(port->host_port, 8080);
  EXPECT_EQ(port->container.ToString(), "10.10.0.2");
  EXPECT_FALSE(port->container6);
  EXPECT_FALSE(ParsePortLease("udp_any", lease).has_value());
  EXPECT_FALSE(ParsePortLease("udp_any_0", lease).has_value());
}

TEST(WantedPortsTest, PublishAllAddsWhatIsExposed) {
  state::ContainerConfig config;
  config.ports = {{.host_port = 8080, .container_port = 80}};
  config.exposed_ports = {"80/tcp", "80/udp", "90-91"};
  EXPECT_EQ(WantedPorts(config)->size(), 1u);
  config.publish_all = true;
  ASSERT_OK_AND_ASSIGN(const auto ports, WantedPorts(config));
  ASSERT_EQ(ports.size(), 4u);
  EXPECT_EQ(ports[1].protocol, "udp");
  EXPECT_EQ(ports[3].container_port, 91);
  config.exposed_ports = {"many"};
  EXPECT_THAT(WantedPorts(config), StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace tiny::runtime
