#include "e2e/leak_oracle.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/files.h"
#include "net/nft_list.h"

namespace tiny::e2e {
namespace {

using Lines = std::vector<std::string>;

Lines LinesOf(const std::string& path) {
  return absl::StrSplit(ReadFile(path).value_or(""), '\n', absl::SkipEmpty());
}

std::vector<pid_t> OtherProcesses() {
  std::vector<pid_t> pids;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    pid_t pid = 0;
    // Neither the test nor the first process of its namespace (main.cc).
    if (absl::SimpleAtoi(entry.path().filename().string(), &pid) && pid != getpid() && pid != 1) {
      pids.push_back(pid);
    }
  }
  return pids;
}

void AddProcesses(Lines& lines) {
  for (const pid_t pid : OtherProcesses()) {
    const std::string folder = absl::StrCat("/proc/", pid);
    const std::string name = ReadFile(folder + "/comm").value_or("");
    std::string command = ReadFile(folder + "/cmdline").value_or("");
    std::replace(command.begin(), command.end(), '\0', ' ');
    if (PathExists(folder)) {
      lines.push_back(absl::StrCat("process ", pid, " ", absl::StripAsciiWhitespace(name), " (",
                                   absl::StripAsciiWhitespace(command), ")"));
    }
  }
}

void AddMounts(Lines& lines) {
  for (const std::string& line : LinesOf("/proc/self/mountinfo")) {
    const Lines fields = absl::StrSplit(line, ' ');
    lines.push_back(absl::StrCat("mount ", fields[3], " on ", fields[4]));
  }
}

void AddLinks(Lines& lines) {
  for (const std::string& line : LinesOf("/proc/net/dev")) {
    const Lines parts = absl::StrSplit(line, absl::MaxSplits(':', 1));
    const std::string name(absl::StripAsciiWhitespace(parts[0]));
    if (parts.size() == 2 && name != "td0") lines.push_back("link " + name);
  }
}

// The elements of tiny's tables but for those of the default bridge. A set that the table is to
// have and has not is a line, too, so that this can't look past a set unseen.
void AddNftElements(Lines& lines) {
  auto socket = net::NetlinkSocket::Open(NETLINK_NETFILTER);
  const net::NftTable table = {NFPROTO_INET, "tiny"};
  const net::NftTable guard = {NFPROTO_BRIDGE, "tiny"};
  if (!socket.ok()) return;
  const auto tables = net::SummarizeNftTables(*socket, {{table, {}}, {guard, {}}});
  if (!tables.ok() || !(*tables)[0]) return;
  for (const char* set : {"ports", "macs", "addresses4", "addresses6"}) {
    if (!(*tables)[1]) break;  // of a kernel without nftables for bridges
    const auto elements = net::ListNftElements(*socket, guard, set);
    const size_t count = elements.ok() ? elements->size() : 1;
    if (count > 0) lines.push_back(absl::StrCat("nft bridge set ", set, " has ", count));
  }
  size_t bridges = 0;
  for (const char* set : {"bridges", "same_bridge", "internal", "masq4", "masq6", "dnat4",
                          "dnat4_any", "dnat6", "dnat6_any"}) {
    const auto elements = net::ListNftElements(*socket, table, set);
    if (!elements.ok()) {
      lines.push_back(absl::StrCat("nft set ", set, ": ", elements.status().message()));
      continue;
    }
    size_t extra = elements->size();
    if (absl::string_view(set) == "bridges") bridges = extra;
    // A network's subnet is an interval of two elements.
    if (absl::StartsWith(set, "masq")) extra = extra > 2 * bridges ? extra : 0;
    for (const net::NftElement& element : *elements) {
      if (absl::StartsWith(element.key, absl::string_view("td0\0", 4))) --extra;
    }
    if (extra > 0) lines.push_back(absl::StrCat("nft set ", set, " has ", extra, " elements"));
  }
}

// The folder of each hierarchy, v1 and v2, whether tiny uses it or not.
Lines CgroupMounts() {
  Lines mounts;
  for (const std::string& line : LinesOf("/proc/self/mountinfo")) {
    const Lines fields = absl::StrSplit(line, ' ');
    if (absl::StrContains(line, " - cgroup")) mounts.push_back(fields[4]);
  }
  return mounts;
}

// Deepest first.
Lines CgroupsBelow(const std::string& parent) {
  Lines cgroups;
  for (const std::string& mount : CgroupMounts()) {
    std::error_code error;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(mount + parent, error)) {
      if (entry.is_directory(error)) cgroups.push_back(entry.path().string());
    }
  }
  std::reverse(cgroups.begin(), cgroups.end());
  return cgroups;
}

void AddFiles(const std::string& root, Lines& lines) {
  std::error_code error;
  const auto kUnreadable = std::filesystem::directory_options::skip_permission_denied;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(root, kUnreadable, error)) {
    const std::string path = entry.path().string();
    const std::string name = entry.path().filename().string();
    const std::string parent = entry.path().parent_path().filename().string();
    if (entry.is_directory(error) && !entry.is_symlink()) {
      if (parent == "containers") lines.push_back("record " + path);
      if (parent == "volumes") lines.push_back("volume " + path);
    } else if (!absl::EndsWith(name, "lock") && !absl::StartsWith(name, "events") &&
               !absl::EndsWith(path, "/networks/bridge.json")) {
      lines.push_back("file " + path);
    }
  }
}

void AddTemporaryFiles(Lines& lines) {
  std::error_code error;
  for (const char* folder : {"/tmp", "/var/tmp", "/dev/shm"}) {
    for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
      // Other programs use these, too: tiny's own are told by their names.
      const std::string name = entry.path().filename().string();
      if (absl::StrContains(name, "tiny")) lines.push_back("file " + entry.path().string());
    }
  }
}

void AddSystemV(Lines& lines) {
  for (const char* kind : {"shm", "sem", "msg"}) {
    const Lines table = LinesOf(absl::StrCat("/proc/sysvipc/", kind));
    for (size_t i = 1; i < table.size(); ++i) lines.push_back(absl::StrCat(kind, " ", table[i]));
  }
}

}  // namespace

LeakOracle::LeakOracle(Places places) : places_(std::move(places)), before_(Observe()) {}

std::vector<std::string> LeakOracle::Observe() const {
  Lines lines;
  AddProcesses(lines);
  AddMounts(lines);
  AddLinks(lines);
  AddNftElements(lines);
  for (const std::string& cgroup : CgroupsBelow(places_.cgroup_parent)) {
    lines.push_back("cgroup " + cgroup);
  }
  AddFiles(places_.root, lines);
  AddFiles(places_.run_root, lines);
  AddTemporaryFiles(lines);
  AddSystemV(lines);
  return lines;
}

std::vector<std::string> LeakOracle::Leaks() const {
  Lines lines = Observe();
  std::erase_if(lines, [&](const std::string& line) {
    return std::count(before_.begin(), before_.end(), line) > 0;
  });
  return lines;
}

void LeakOracle::CleanUp() const {
  // A first process takes its namespace along, and takes a moment for it.
  for (int attempt = 0; attempt < 500; ++attempt) {
    const std::vector<pid_t> pids = OtherProcesses();
    for (const pid_t pid : pids) kill(pid, SIGKILL);
    while (waitpid(-1, nullptr, WNOHANG) > 0) {
    }
    for (const std::string& cgroup : CgroupsBelow(places_.cgroup_parent)) rmdir(cgroup.c_str());
    bool parents = false;
    for (const std::string& mount : CgroupMounts()) {
      const std::string parent = mount + places_.cgroup_parent;
      parents = parents || (rmdir(parent.c_str()) != 0 && errno != ENOENT);
    }
    if (pids.empty() && !parents) return;
    usleep(10000);
  }
}

std::vector<std::string> OpenFilesOf(pid_t pid) {
  Lines files;
  std::error_code error;
  for (const auto& entry :
       std::filesystem::directory_iterator(absl::StrCat("/proc/", pid, "/fd"), error)) {
    std::string target = std::filesystem::read_symlink(entry.path(), error).string();
    if (!absl::StartsWith(target, "/")) target.resize(std::min(target.find(':'), target.size()));
    files.push_back(std::move(target));
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace tiny::e2e
