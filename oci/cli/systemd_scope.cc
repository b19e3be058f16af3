#include "oci/cli/systemd_scope.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/files.h"
#include "base/posix_status.h"
#include "base/status_macros.h"
#include "cgroup/hierarchy.h"
#include "cgroup/systemd/manager.h"
#include "cgroup/systemd/properties.h"
#include "runtime/cgroup_resources.h"

namespace tiny::oci {
namespace {

constexpr char kAnnotation[] = "org.systemd.property.";

cgroup::Version VersionOf(const cgroup::Hierarchy& hierarchy) {
  return hierarchy.mode() == cgroup::Mode::kUnified ? cgroup::Version::kV2 : cgroup::Version::kV1;
}

absl::StatusOr<systemd::Manager> Connect(const security::Caller& caller) {
  using systemd::Manager;
  return Manager::Connect(caller.IsMachineRoot() ? Manager::Of::kMachine : Manager::Of::kUser);
}

absl::StatusOr<std::vector<systemd::Property>> PropertiesOf(const Spec& spec,
                                                            cgroup::Version version) {
  std::vector<systemd::Property> properties;
  if (spec.linux_.resources.has_value()) {
    ASSIGN_OR_RETURN(const cgroup::Resources limits,
                     runtime::CgroupResources(*spec.linux_.resources));
    absl::StatusOr<std::vector<systemd::Property>> of_limits =
        systemd::PropertiesOfLimits(limits, version);
    if (!of_limits.ok()) return Annotate(of_limits.status(), "linux.resources");
    properties = *std::move(of_limits);
  }
  for (const auto& [key, value] : spec.annotations) {
    absl::string_view name = key;
    if (!absl::ConsumePrefix(&name, kAnnotation)) continue;
    absl::StatusOr<systemd::Property> property = systemd::ParseProperty(name, value);
    if (!property.ok()) {
      return Annotate(property.status(), absl::StrCat("annotations.", key));
    }
    properties.push_back(*std::move(property));
  }
  return properties;
}

// Where the scope's process is, as systemd itself would say: from "0::/a/b" or
// "1:name=systemd:/a/b" in /proc/PID/cgroup.
absl::StatusOr<std::string> PathOf(pid_t pid, cgroup::Version version) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(absl::StrCat("/proc/", pid, "/cgroup")));
  const absl::string_view tree = version == cgroup::Version::kV2 ? "" : "name=systemd";
  for (const absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    const std::vector<absl::string_view> fields = absl::StrSplit(line, absl::MaxSplits(':', 2));
    if (fields.size() == 3 && fields[1] == tree) return std::string(fields[2]);
  }
  return absl::FailedPreconditionError("systemd has no tree of cgroups here");
}

}  // namespace

SystemdScope::SystemdScope(SystemdScope&& other) noexcept
    : unit_(std::exchange(other.unit_, "")),
      placeholder_(std::exchange(other.placeholder_, 0)),
      cgroup_path_(std::move(other.cgroup_path_)) {}

SystemdScope::~SystemdScope() {
  EndPlaceholder();
  if (!unit_.empty()) StopScope(unit_).IgnoreError();
}

absl::StatusOr<SystemdScope> SystemdScope::Start(const systemd::UnitName& name, const Spec& spec,
                                                 const security::Caller& caller) {
  ASSIGN_OR_RETURN(const cgroup::Hierarchy hierarchy, cgroup::Hierarchy::Detect());
  const cgroup::Version version = VersionOf(hierarchy);
  ASSIGN_OR_RETURN(const std::vector<systemd::Property> properties, PropertiesOf(spec, version));
  ASSIGN_OR_RETURN(systemd::Manager manager, Connect(caller));
  SystemdScope scope(name.unit);
  absl::Cleanup not_ours = [&scope] { scope.unit_.clear(); };
  RETURN_IF_ERROR(scope.ForkPlaceholder());
  RETURN_IF_ERROR(manager.StartScope(name.unit, name.slice, scope.placeholder_, properties));
  std::move(not_ours).Cancel();
  ASSIGN_OR_RETURN(scope.cgroup_path_, PathOf(scope.placeholder_, version));
  return scope;
}

absl::Status SystemdScope::ForkPlaceholder() {
  const pid_t parent = getpid();
  placeholder_ = fork();
  if (placeholder_ < 0) return PosixStatus(errno, "fork");
  if (placeholder_ > 0) return absl::OkStatus();
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  while (getppid() == parent) pause();
  _exit(0);
}

void SystemdScope::EndPlaceholder() {
  if (placeholder_ <= 0) return;
  kill(placeholder_, SIGKILL);
  while (waitpid(placeholder_, nullptr, 0) < 0 && errno == EINTR) {
  }
  placeholder_ = 0;
}

void SystemdScope::Keep() {
  EndPlaceholder();
  unit_.clear();
}

absl::Status UpdateScope(const std::string& unit, const cgroup::Resources& limits) {
  ASSIGN_OR_RETURN(const cgroup::Hierarchy hierarchy, cgroup::Hierarchy::Detect());
  ASSIGN_OR_RETURN(const std::vector<systemd::Property> properties,
                   systemd::PropertiesOfLimits(limits, VersionOf(hierarchy)));
  ASSIGN_OR_RETURN(systemd::Manager manager, Connect(security::Caller()));
  return manager.SetProperties(unit, properties);
}

absl::Status StopScope(const std::string& unit) {
  ASSIGN_OR_RETURN(systemd::Manager manager, Connect(security::Caller()));
  return manager.Stop(unit);
}

}  // namespace tiny::oci
