#include "runtime/host/host_checks.h"

#include <unistd.h>

#include <algorithm>
#include <cstdint>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/files.h"
#include "cgroup/hierarchy.h"

namespace tiny::runtime {
namespace {

constexpr int kSysAdmin = 21;  // capabilities(7)
constexpr int kNetAdmin = 12;
constexpr int kSysResource = 24;

void Add(HostReport* report, HostCheck::Level level, absl::string_view name, absl::string_view fact,
         absl::string_view consequence, absl::string_view fix) {
  report->checks.push_back({.name = std::string(name),
                            .level = level,
                            .fact = std::string(fact),
                            .consequence = std::string(consequence),
                            .fix = std::string(fix)});
}

// CapEff of /proc/self/status; 0 where it cannot be read.
uint64_t EffectiveCapabilities(const HostPaths& paths) {
  const std::string text = ReadFile(paths.proc + "/self/status").value_or("");
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    if (!absl::ConsumePrefix(&line, "CapEff:")) continue;
    uint64_t mask = 0;
    if (absl::SimpleHexAtoi(absl::StripAsciiWhitespace(line), &mask)) return mask;
  }
  return 0;
}

bool Has(const std::vector<std::string>& names, absl::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Swap can be limited where some cgroup has the file for it: the root of v2 never has.
bool AccountsSwap(const HostPaths& paths, const cgroup::Hierarchy& hierarchy) {
  if (const cgroup::LegacyTree* memory = hierarchy.FindLegacy("memory")) {
    return PathExists(memory->mount_point + "/memory.memsw.limit_in_bytes");
  }
  const std::string root =
      hierarchy.unified().empty() ? paths.sys + "/fs/cgroup" : hierarchy.unified();
  const absl::StatusOr<std::vector<std::string>> names = ListDirectory(root);
  if (!names.ok()) return false;
  return std::any_of(names->begin(), names->end(), [&](const std::string& name) {
    return PathExists(absl::StrCat(root, "/", name, "/memory.swap.max"));
  });
}

}  // namespace

std::string ReadLine(const std::string& path) {
  const std::string text = ReadFile(path).value_or("");
  return std::string(absl::StripAsciiWhitespace(text));
}

void AddOk(HostReport* report, absl::string_view name, absl::string_view fact) {
  Add(report, HostCheck::Level::kOk, name, fact, "", "");
}
void AddNote(HostReport* report, absl::string_view name, absl::string_view fact,
             absl::string_view consequence, absl::string_view fix) {
  Add(report, HostCheck::Level::kNote, name, fact, consequence, fix);
}
void AddBroken(HostReport* report, absl::string_view name, absl::string_view fact,
               absl::string_view consequence, absl::string_view fix) {
  Add(report, HostCheck::Level::kBroken, name, fact, consequence, fix);
}

void CheckKernel(HostReport* report) {
  // clone3 with CLONE_INTO_CGROUP is 5.7, close_range 5.9, mount_setattr 5.12.
  constexpr KernelVersion kOldest = {5, 12};
  const std::string fact = absl::StrCat("Linux ", report->kernel, " on ", report->machine);
  if (ParseKernelVersion(report->kernel) >= kOldest) {
    AddOk(report, "kernel", fact);
  } else {
    AddBroken(report, "kernel", fact, "tiny needs system calls of Linux 5.12 (mount_setattr)",
              "install a newer kernel");
  }
}

void CheckPrivileges(const HostPaths& paths, HostReport* report) {
  const uint64_t capabilities = EffectiveCapabilities(paths);
  const auto has = [&](int capability) { return (capabilities >> capability & 1) != 0; };
  if (!has(kSysAdmin)) {
    AddBroken(report, "privileges", "not root: no CAP_SYS_ADMIN",
              "containers cannot be made without it", "run tiny as root, or with sudo");
    return;
  }
  if (!has(kNetAdmin)) {
    AddNote(report, "privileges", "root without CAP_NET_ADMIN", "only --network none and host work",
            "give this container or service CAP_NET_ADMIN");
    return;
  }
  if (!has(kSysResource)) {
    AddNote(report, "privileges", "root without CAP_SYS_RESOURCE",
            "--ulimit cannot go above this shell's own hard limits, nor --oom-score-adj below its",
            "give this container or service CAP_SYS_RESOURCE");
    return;
  }
  AddOk(report, "privileges", "root with the capabilities that are needed");
}

void CheckCgroups(const HostPaths& paths, HostReport* report) {
  const absl::StatusOr<cgroup::Hierarchy> hierarchy = cgroup::Hierarchy::Detect();
  if (!hierarchy.ok()) {
    report->cgroup_mode = "none";
    AddBroken(report, "cgroup", hierarchy.status().message(),
              "no limits, no stats, no pause, and no sure end of a container's processes",
              "mount -t cgroup2 none /sys/fs/cgroup");
    return;
  }
  report->cgroup_mode = std::string(cgroup::ModeName(hierarchy->mode()));
  report->cgroup_controllers = hierarchy->Controllers();
  AddOk(
      report, "cgroup",
      absl::StrCat(report->cgroup_mode, " with ", absl::StrJoin(report->cgroup_controllers, ", ")));
  constexpr struct {
    absl::string_view controller;
    absl::string_view consequence;
  } kNeeded[] = {
      {"memory", "--memory and its kin are refused; stats are estimates"},
      {"cpu", "--cpus, --cpu-shares and --cpu-quota are refused"},
      {"cpuset", "--cpuset-cpus and --cpuset-mems are refused"},
      {"pids", "--pids-limit is refused"},
      {"io", "--blkio-weight and --device-read-bps and its kin are refused"},
  };
  for (const auto& [controller, consequence] : kNeeded) {
    if (Has(report->cgroup_controllers, controller)) continue;
    AddNote(report, absl::StrCat("cgroup-", controller),
            absl::StrCat("there is no ", controller, " controller"), consequence,
            absl::StrCat("boot without cgroup_disable=", controller,
                         ", or let the parent cgroup delegate it: echo +", controller,
                         " > .../cgroup.subtree_control"));
  }
  if (!Has(report->cgroup_controllers, "memory")) return;
  if (hierarchy->mode() != cgroup::Mode::kUnified) {
    // tiny makes no version 1 cgroup for counting alone: it would cost every start.
    AddNote(report, "accounting", "version 1 counts memory and I/O of containers with a limit only",
            "stats estimates the others' from /proc",
            "boot with systemd.unified_cgroup_hierarchy=1, or set a limit (-m)");
  }
  if (AccountsSwap(paths, *hierarchy)) {
    AddOk(report, "swap-accounting", "swap is counted and can be limited");
  } else {
    AddNote(report, "swap-accounting", "swap is not counted", "--memory-swap has no effect",
            "boot with swapaccount=1, or a kernel with CONFIG_SWAP");
  }
}

}  // namespace tiny::runtime
