// An address's lease among those that others hold: taken, and given back.
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/process.h"
#include "bench/isolation.h"
#include "benchmark/benchmark.h"
#include "runtime/network/address_pool.h"
#include "runtime/network/lease_store.h"

namespace tiny::bench {
namespace {

absl::Status NothingToSweep() { return absl::OkStatus(); }

void BM_Lease(benchmark::State& state) {
  const int taken = static_cast<int>(state.range(0));
  const std::string root = absl::StrCat(ScratchDirectory(), "/leases", taken);
  mkdir(root.c_str(), 0755);
  const absl::StatusOr<runtime::LeaseStore> store = runtime::LeaseStore::Open(root);
  const absl::StatusOr<ProcessIdentity> self = IdentifyProcess(getpid());
  runtime::Network network;
  network.name = "bench";
  network.subnet = "10.10.0.0/16";
  network.gateway = "10.10.0.1";
  const absl::StatusOr<runtime::AddressPool> pool = runtime::AddressPool::V4(network);
  if (!store.ok() || !self.ok() || !pool.ok()) return state.SkipWithError("set up");
  const runtime::Lease lease = {std::string(64, 'a'), *self, {}};
  const auto take = [&] {
    return runtime::TakeAddress(*store, network, *pool, net::IpAddress(), lease, NothingToSweep);
  };
  for (int i = 0; i < taken; ++i) {
    if (!take().ok()) return state.SkipWithError("no address");
  }
  for ([[maybe_unused]] auto _ : state) {
    const absl::StatusOr<net::IpAddress> address = take();
    if (!address.ok()) return state.SkipWithError(std::string(address.status().message()).c_str());
    const std::string path = runtime::AddressLease(network, *address);
    if (!store->Release(path, lease.container).ok()) return state.SkipWithError("release");
  }
}
BENCHMARK(BM_Lease)->Arg(0)->Arg(100)->Arg(500)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace tiny::bench
