// Runs the container of an OCI bundle by //runtime/launch alone: no state, no network, no logs.
//
//   sudo bazel-bin/examples/launch_example BUNDLE
#include <unistd.h>

#include <cstdio>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/process.h"
#include "base/status_macros.h"
#include "cgroup/cgroup.h"
#include "oci/spec_parser.h"
#include "runtime/launch/launch.h"

namespace {

absl::StatusOr<int> RunBundle(const std::string& bundle) {
  ASSIGN_OR_RETURN(const std::string json, tiny::ReadFile(absl::StrCat(bundle, "/config.json")));
  ASSIGN_OR_RETURN(const tiny::oci::Spec spec, tiny::oci::ParseSpec(json));
  tiny::runtime::LaunchRequest request;
  request.spec = &spec;
  request.id = absl::StrCat("example-", getpid());
  request.bundle = bundle;
  request.cgroup_path = absl::StrCat("/tiny-", request.id);
  request.default_seccomp = true;

  ASSIGN_OR_RETURN(tiny::runtime::LaunchedContainer container, tiny::runtime::Launch(request));
  RETURN_IF_ERROR(container.Start());
  ASSIGN_OR_RETURN(const int code, tiny::ReapChild(container.pidfd()));
  // A container that has run keeps its cgroup until its owner removes it.
  ASSIGN_OR_RETURN(const tiny::cgroup::Hierarchy hierarchy, tiny::cgroup::Hierarchy::Detect());
  ASSIGN_OR_RETURN(tiny::cgroup::Cgroup cgroup,
                   tiny::cgroup::Cgroup::Open(hierarchy, request.cgroup_path));
  RETURN_IF_ERROR(cgroup.Remove());
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: launch_example BUNDLE\n");
    return 125;
  }
  const absl::StatusOr<int> code = RunBundle(argv[1]);
  if (code.ok()) return *code;
  fprintf(stderr, "launch_example: %s\n", std::string(code.status().message()).c_str());
  return tiny::runtime::ExitCodeOfStartError(code.status());
}
