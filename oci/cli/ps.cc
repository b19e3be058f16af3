#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/files.h"
#include "base/process.h"
#include "base/status_macros.h"
#include "nlohmann/json.hpp"
#include "oci/cli/command.h"
#include "oci/cli/container_cgroup.h"
#include "oci/cli/container_store.h"

namespace tiny::oci {
namespace {

// The arguments with spaces between them; the name where there are none, as of kernel threads.
std::string CommandLine(pid_t pid, const ProcessStat& stat) {
  std::string text =
      ReadFile(absl::StrCat("/proc/", pid, "/cmdline"), size_t{1} << 21).value_or("");
  if (text.empty()) return absl::StrCat("[", stat.comm, "]");
  if (text.back() == '\0') text.pop_back();
  // What a process calls itself must not act on the terminal.
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') c = ' ';
  }
  return text;
}

}  // namespace

absl::StatusOr<int> RunPs(const Globals& globals, Arguments arguments) {
  std::string format = "table";
  Flags flags;
  flags.Add({"format", 'f', "table or json", &format});
  ASSIGN_OR_RETURN(const std::vector<std::string> operands, flags.Parse(arguments, false));
  if (operands.empty()) return absl::InvalidArgumentError("expected <container-id>");
  const ContainerStore store(globals.root);
  ASSIGN_OR_RETURN(const Record record, LoadLive(store, operands[0]));
  ASSIGN_OR_RETURN(const cgroup::Cgroup group, OpenContainerCgroup(record));
  ASSIGN_OR_RETURN(const std::vector<pid_t> pids, group.Pids());
  std::string text;
  if (format == "json") {
    text = nlohmann::json(pids).dump();
  } else if (format == "table") {
    text = absl::StrFormat("%8s %8s %s\n", "PID", "PPID", "CMD");
    for (const pid_t pid : pids) {
      const absl::StatusOr<ProcessStat> stat = ReadProcessStat(pid);
      if (!stat.ok()) continue;  // ended meanwhile
      absl::StrAppendFormat(&text, "%8d %8d %s\n", pid, stat->parent, CommandLine(pid, *stat));
    }
  } else {
    return absl::InvalidArgumentError(absl::StrCat("--format ", format, ": table or json"));
  }
  RETURN_IF_ERROR(Print(text));
  return 0;
}

}  // namespace tiny::oci
