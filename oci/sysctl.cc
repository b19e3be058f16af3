#include "oci/sysctl.h"

#include <algorithm>
#include <array>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace tiny::oci {
namespace {

constexpr std::array<absl::string_view, 8> kIpc = {
    "kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem",
    "kernel.shmall", "kernel.shmmax", "kernel.shmmni", "kernel.shm_rmid_forced"};

bool IsKey(absl::string_view key) {
  if (key.empty() || key.front() == '.' || key.back() == '.') return false;
  if (absl::StrContains(key, "..")) return false;
  return std::all_of(key.begin(), key.end(), [](char c) {
    return absl::ascii_isalnum(c) || c == '_' || c == '-' || c == '.';
  });
}

}  // namespace

absl::StatusOr<std::string> NamespaceOfSysctl(absl::string_view key) {
  // With a slash as separator a dot is part of a name, as in net/ipv4/conf/eth0.100/forwarding.
  const absl::string_view separators = "./";
  const size_t first = key.find_first_of(separators);
  std::string dotted(key);
  if (first != absl::string_view::npos && key[first] == '/') {
    dotted = absl::StrReplaceAll(key, {{".", "_"}, {"/", "."}});
    if (absl::StrContains(key, "..")) dotted.clear();
  } else {
    dotted = absl::StrReplaceAll(key, {{"/", "_"}});
  }
  if (!IsKey(dotted)) return absl::InvalidArgumentError("is no name of a sysctl");
  if (absl::StartsWith(dotted, "net.")) return "network";
  if (absl::StartsWith(dotted, "fs.mqueue.")) return "ipc";
  if (absl::StartsWith(dotted, "user.")) return "user";
  if (std::find(kIpc.begin(), kIpc.end(), dotted) != kIpc.end()) return "ipc";
  if (dotted == "kernel.domainname" || dotted == "kernel.hostname") return "uts";
  return absl::InvalidArgumentError("belongs to the whole machine, not to a namespace");
}

}  // namespace tiny::oci
