// A record that outlives its process: made, changed under its lock, listed, found by a prefix.
//   bazel-bin/examples/state_example /tmp/records; bazel-bin/examples/state_example /tmp/records
#include <unistd.h>

#include <cstdio>
#include <string>

#include "base/process.h"
#include "base/status_macros.h"
#include "state/liveness.h"
#include "state/store.h"

namespace {

absl::Status RecordAndList(const char* folder) {
  ASSIGN_OR_RETURN(const auto store, tiny::state::StateStore::Open(folder));
  {
    tiny::state::ContainerConfig config;
    config.command = {"example"};
    ASSIGN_OR_RETURN(auto container, store.Create(config));
    tiny::state::ContainerState state = container.state();
    state.status = tiny::state::Status::kRunning;
    ASSIGN_OR_RETURN(state.init, tiny::IdentifyProcess(getpid()));
    RETURN_IF_ERROR(container.CommitState(state));
  }
  ASSIGN_OR_RETURN(const tiny::state::Listing listing, store.List());
  for (const tiny::state::ContainerRecord& record : listing.records) {
    // Boot, pid and start time tell whether the very process still runs.
    const tiny::state::Liveness liveness = tiny::state::ProbeLiveness(record.state);
    ASSIGN_OR_RETURN(const auto id, store.Find(record.config.id.substr(0, 20)));
    printf("%s %-24s %s\n", id.Short().c_str(), record.config.name.c_str(),
           liveness.init_alive ? "is this process" : "has ended");
  }
  return absl::OkStatus();
}

}  // namespace

int main(int argc, char** argv) {
  const absl::Status status = RecordAndList(argc > 1 ? argv[1] : "/tmp/tiny-records");
  if (status.ok()) return 0;
  fprintf(stderr, "%s\n", std::string(status.message()).c_str());
  return 1;
}
