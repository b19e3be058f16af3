// A shell as pid 1 of new namespaces, with a hostname of its own, by //ns and //init alone.
//
//   sudo bazel-bin/examples/ns_example 'echo I am $$ on $(hostname)'
#include <linux/sched.h>

#include <cstdio>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/process.h"
#include "base/status_macros.h"
#include "init/image.h"
#include "init/payload.h"
#include "ns/launcher.h"

namespace {

absl::StatusOr<int> RunShell(const char* command) {
  ASSIGN_OR_RETURN(const tiny::UniqueFd stub, tiny::init::OpenStub());
  tiny::ns::LaunchPlan plan;
  plan.new_namespaces = CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET;
  plan.hostname = "example";
  plan.image_fd = stub.get();
  plan.argv = {"sh", "-c", command};
  plan.envp = {"PATH=/usr/bin:/bin"};
  plan.descriptors = {0, 1, 2};

  ASSIGN_OR_RETURN(tiny::ns::PendingChild child, tiny::ns::CloneChild(plan));
  printf("pid %d outside\n", child.pid());
  fflush(stdout);
  RETURN_IF_ERROR(child.WaitUntilReady());
  // What the stub shall do before the exec: nothing, here.
  const tiny::init::InitConfig config;
  RETURN_IF_ERROR(
      child.Configure(absl::string_view(reinterpret_cast<const char*>(&config), sizeof(config))));
  RETURN_IF_ERROR(child.WaitUntilExecuted());
  child.Detach();
  return tiny::ReapChild(child.pidfd());
}

}  // namespace

int main(int argc, char** argv) {
  const absl::StatusOr<int> code = RunShell(argc > 1 ? argv[1] : "echo I am $$ on $(hostname)");
  if (code.ok()) return *code;
  fprintf(stderr, "ns_example: %s\n", std::string(code.status().message()).c_str());
  return 1;
}
