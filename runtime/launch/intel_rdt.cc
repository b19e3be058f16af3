#include "runtime/launch/intel_rdt.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "base/files.h"
#include "base/posix_status.h"
#include "base/status_macros.h"

namespace tiny::runtime {
namespace {

// "L3:0=f;1=0f" as the parts "L3:0=f", "L3:1=f": the kernel pads and orders them as it likes.
std::set<std::string> PartsOf(absl::string_view schemata) {
  std::set<std::string> parts;
  for (const absl::string_view line : absl::StrSplit(schemata, '\n', absl::SkipWhitespace())) {
    const std::pair<absl::string_view, absl::string_view> named =
        absl::StrSplit(line, absl::MaxSplits(':', 1));
    for (const absl::string_view part : absl::StrSplit(named.second, ';', absl::SkipWhitespace())) {
      std::pair<absl::string_view, absl::string_view> value =
          absl::StrSplit(part, absl::MaxSplits('=', 1));
      value.second = absl::StripAsciiWhitespace(value.second);
      while (value.second.size() > 1 && value.second[0] == '0') value.second.remove_prefix(1);
      parts.insert(absl::StrCat(absl::StripAsciiWhitespace(named.first), ":",
                                absl::StripAsciiWhitespace(value.first), "=",
                                absl::AsciiStrToLower(value.second)));
    }
  }
  return parts;
}

absl::Status CheckSchemata(const std::string& group, const std::string& wanted) {
  ASSIGN_OR_RETURN(const std::string present, ReadFile(group + "/schemata"));
  const std::set<std::string> has = PartsOf(present);
  const std::set<std::string> wants = PartsOf(wanted);
  if (std::includes(has.begin(), has.end(), wants.begin(), wants.end())) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("linux.intelRdt: ", group, " exists with other schemata: ",
                   absl::StrReplaceAll(absl::StripAsciiWhitespace(present), {{"\n", ", "}})));
}

absl::Status WriteSchemata(const std::string& root, const std::string& group,
                           const std::string& schemata) {
  const absl::Status status = WriteControlFile(group + "/schemata", schemata);
  if (status.ok()) return status;
  const std::string reason = ReadFile(root + "/info/last_cmd_status").value_or("");
  return WithHint(status, absl::StripAsciiWhitespace(reason));
}

std::string MonitoringGroup(const std::string& group, const std::string& id) {
  return absl::StrCat(group, "/mon_groups/", id);
}

std::string GroupOf(const oci::IntelRdt& rdt, const std::string& id, const std::string& root) {
  return absl::StrCat(root, "/", rdt.clos_id.empty() ? id : rdt.clos_id);
}

absl::Status RemoveGroup(const std::string& path) {
  if (rmdir(path.c_str()) == 0 || errno == ENOENT) return absl::OkStatus();
  return PosixStatus(errno, absl::StrCat("rmdir ", path));
}

}  // namespace

std::string SchemataOf(const oci::IntelRdt& rdt) {
  std::vector<std::string> lines;
  for (const absl::string_view line :
       absl::StrSplit(rdt.l3_cache_schema, '\n', absl::SkipEmpty())) {
    if (rdt.mem_bw_schema.empty() || !absl::StartsWith(line, "MB:")) lines.emplace_back(line);
  }
  if (!rdt.mem_bw_schema.empty()) lines.push_back(rdt.mem_bw_schema);
  lines.insert(lines.end(), rdt.schemata.begin(), rdt.schemata.end());
  return lines.empty() ? "" : absl::StrJoin(lines, "\n") + "\n";
}

absl::StatusOr<std::string> FindResctrl() {
  ASSIGN_OR_RETURN(const std::string mounts, ReadFile("/proc/self/mounts"));
  for (const absl::string_view line : absl::StrSplit(mounts, '\n', absl::SkipEmpty())) {
    const std::vector<absl::string_view> fields = absl::StrSplit(line, ' ');
    if (fields.size() > 2 && fields[2] == "resctrl") return std::string(fields[1]);
  }
  return WithHint(absl::FailedPreconditionError("linux.intelRdt: no resctrl is mounted"),
                  "on a machine that has it: mount -t resctrl resctrl /sys/fs/resctrl");
}

absl::Status ApplyIntelRdt(const oci::IntelRdt& rdt, const std::string& id, pid_t pid,
                           const std::string& root) {
  const std::string group = GroupOf(rdt, id, root);
  const std::string schemata = SchemataOf(rdt);
  const bool is_new = mkdir(group.c_str(), 0755) == 0;
  if (!is_new && errno != EEXIST) return PosixStatus(errno, absl::StrCat("mkdir ", group));
  if (is_new && !rdt.clos_id.empty() && schemata.empty()) {
    RETURN_IF_ERROR(RemoveGroup(group));
    return absl::FailedPreconditionError(
        absl::StrCat("linux.intelRdt.closID: there is no ", group, ", and no schema to make it"));
  }
  if (!schemata.empty()) {
    absl::Status status =
        is_new ? WriteSchemata(root, group, schemata) : CheckSchemata(group, schemata);
    if (!status.ok()) {
      if (is_new) RemoveGroup(group).IgnoreError();
      return status;
    }
  }
  RETURN_IF_ERROR(WriteControlFile(group + "/tasks", absl::StrCat(pid)));
  if (!rdt.enable_monitoring) return absl::OkStatus();
  const std::string monitored = MonitoringGroup(group, id);
  if (mkdir(monitored.c_str(), 0755) != 0 && errno != EEXIST) {
    return PosixStatus(errno, absl::StrCat("mkdir ", monitored));
  }
  return WriteControlFile(monitored + "/tasks", absl::StrCat(pid));
}

absl::Status ApplyIntelRdt(const oci::IntelRdt& rdt, const std::string& id, pid_t pid) {
  ASSIGN_OR_RETURN(const std::string root, FindResctrl());
  return ApplyIntelRdt(rdt, id, pid, root);
}

absl::Status UpdateIntelRdt(const oci::IntelRdt& rdt, const std::string& id,
                            const std::string& root) {
  return WriteSchemata(root, GroupOf(rdt, id, root), SchemataOf(rdt));
}

absl::Status UpdateIntelRdt(const oci::IntelRdt& rdt, const std::string& id) {
  ASSIGN_OR_RETURN(const std::string root, FindResctrl());
  return UpdateIntelRdt(rdt, id, root);
}

absl::Status RemoveIntelRdt(const oci::IntelRdt& rdt, const std::string& id,
                            const std::string& root) {
  const std::string group = GroupOf(rdt, id, root);
  if (rdt.enable_monitoring) RETURN_IF_ERROR(RemoveGroup(MonitoringGroup(group, id)));
  return rdt.clos_id.empty() ? RemoveGroup(group) : absl::OkStatus();
}

absl::Status RemoveIntelRdt(const oci::IntelRdt& rdt, const std::string& id) {
  const absl::StatusOr<std::string> root = FindResctrl();
  return root.ok() ? RemoveIntelRdt(rdt, id, *root) : absl::OkStatus();
}

}  // namespace tiny::runtime
