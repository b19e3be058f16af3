// What the records of containers cost: one made, one looked up, and `ps` over many.
//
//   sudo bazel run -c opt //bench:state
#include <sys/stat.h>

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "bench/isolation.h"
#include "benchmark/benchmark.h"
#include "state/store.h"

namespace tiny::bench {
namespace {

state::ContainerConfig MakeConfig() {
  state::ContainerConfig config;
  config.rootfs = "/srv/rootfs";
  config.command = {"/bin/sh", "-c", "exec server --listen :8080"};
  for (int i = 0; i < 10; ++i) config.env.push_back(absl::StrCat("VARIABLE_", i, "=value"));
  config.labels = {{"app", "web"}, {"tier", "front"}};
  return config;
}

absl::StatusOr<state::StateStore> OpenWith(int containers) {
  const std::string root = absl::StrCat(ScratchDirectory(), "/state", containers);
  absl::StatusOr<state::StateStore> store = state::StateStore::Open(root);
  if (!store.ok()) return store;
  const absl::StatusOr<state::Listing> listing = store->List();
  if (!listing.ok()) return listing.status();
  for (int i = static_cast<int>(listing->records.size()); i < containers; ++i) {
    const absl::StatusOr<state::LockedContainer> container = store->Create(MakeConfig());
    if (!container.ok()) return container.status();
  }
  return store;
}

void BM_List(benchmark::State& state) {
  const int containers = static_cast<int>(state.range(0));
  const absl::StatusOr<state::StateStore> store = OpenWith(containers);
  if (!store.ok()) return state.SkipWithError(std::string(store.status().message()).c_str());
  for ([[maybe_unused]] auto _ : state) {
    const absl::StatusOr<state::Listing> listing = store->List();
    if (!listing.ok() || listing->records.size() != static_cast<size_t>(containers)) {
      return state.SkipWithError("a record is missing");
    }
  }
  state.SetItemsProcessed(state.iterations() * containers);
}
BENCHMARK(BM_List)->Arg(1)->Arg(100)->Arg(1000)->Unit(benchmark::kMicrosecond);

void BM_Create(benchmark::State& state) {
  const absl::StatusOr<state::StateStore> store = OpenWith(0);
  if (!store.ok()) return state.SkipWithError("open");
  for ([[maybe_unused]] auto _ : state) {
    absl::StatusOr<state::LockedContainer> container = store->Create(MakeConfig());
    if (!container.ok()) return state.SkipWithError("create");
    state.PauseTiming();
    if (!(*std::move(container)).Remove().ok()) return state.SkipWithError("remove");
    state.ResumeTiming();
  }
}
BENCHMARK(BM_Create)->Iterations(2000);

void BM_FindByPrefix(benchmark::State& state) {
  const absl::StatusOr<state::StateStore> store = OpenWith(1000);
  if (!store.ok()) return state.SkipWithError("open");
  const absl::StatusOr<state::Listing> listing = store->List();
  if (!listing.ok()) return state.SkipWithError("list");
  const std::string prefix = listing->records.front().config.id.substr(0, 12);
  for ([[maybe_unused]] auto _ : state) {
    if (!store->Find(prefix).ok()) return state.SkipWithError("find");
  }
}
BENCHMARK(BM_FindByPrefix);

}  // namespace
}  // namespace tiny::bench
