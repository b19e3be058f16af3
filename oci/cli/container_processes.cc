#include "oci/cli/container_processes.h"

#include <sys/stat.h>

#include <map>
#include <set>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/process.h"
#include "base/status_macros.h"
#include "ns/namespaces.h"

namespace tiny::oci {
namespace {

// 0 for one that has ended or is another user's.
ino_t PidNamespaceOf(pid_t pid) {
  struct stat space;
  return stat(absl::StrCat("/proc/", pid, "/ns/pid").c_str(), &space) == 0 ? space.st_ino : 0;
}

pid_t ParentOf(pid_t pid) {
  const absl::StatusOr<ProcessStat> process = ReadProcessStat(pid);
  return process.ok() ? process->parent : 0;
}

// A pid namespace that a process of the container has made is not the container's own.
void AddDescendants(const std::map<pid_t, pid_t>& parents, std::set<pid_t>& found) {
  for (size_t before = 0; before != found.size();) {
    before = found.size();
    for (const auto& [pid, parent] : parents) {
      if (found.contains(parent)) found.insert(pid);
    }
  }
}

}  // namespace

absl::StatusOr<std::vector<pid_t>> PidsByNamespace(const Record& record) {
  ASSIGN_OR_RETURN(const bool shared, ns::SharesNamespace(record.init.pid, ns::Kind::kPid));
  if (shared) {
    return absl::FailedPreconditionError(
        absl::StrCat("container ", record.id,
                     " has neither a cgroup nor a pid namespace of its "
                     "own: nothing tells which processes are its"));
  }
  const ino_t space = PidNamespaceOf(record.init.pid);
  ASSIGN_OR_RETURN(const std::vector<std::string> names, ListDirectory("/proc"));
  std::map<pid_t, pid_t> parents;
  std::set<pid_t> found;
  for (const std::string& name : names) {
    pid_t pid = 0;
    if (!absl::SimpleAtoi(name, &pid)) continue;
    parents[pid] = ParentOf(pid);
    if (space != 0 && PidNamespaceOf(pid) == space) found.insert(pid);
  }
  AddDescendants(parents, found);
  return std::vector<pid_t>(found.begin(), found.end());
}

}  // namespace tiny::oci
