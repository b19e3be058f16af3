#include "security/caller.h"

#include <errno.h>
#include <sys/stat.h>

#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/exec_ids.h"
#include "base/files.h"
#include "base/posix_status.h"

namespace tiny::security {
namespace {

// Of the machine's own user namespace in nsfs. Unlike /proc/self/uid_map it tells that one from
// another that maps all ids to themselves.
constexpr ino_t kMachineUserNamespace = 0xEFFFFFFD;

}  // namespace

Caller::Caller() : Caller(ExecUid(), "/proc/self") {}

ino_t Caller::UserNamespace() const {
  if (!user_namespace_.has_value()) {
    struct stat space = {};
    const bool found = stat(absl::StrCat(process_, "/ns/user").c_str(), &space) == 0;
    user_namespace_ = found ? space.st_ino : 0;
  }
  return *user_namespace_;
}

void Caller::KnowAsMachineRoot() { user_namespace_ = kMachineUserNamespace; }

bool Caller::InUserNamespace() const {
  const ino_t number = UserNamespace();
  return number != 0 && number != kMachineUserNamespace;
}

absl::StatusOr<bool> Caller::SharesUserNamespace(pid_t pid) const {
  if (UserNamespace() == 0) return true;
  const std::string path = absl::StrCat("/proc/", pid, "/ns/user");
  struct stat space;
  if (stat(path.c_str(), &space) != 0) return PosixStatus(errno, absl::StrCat("stat ", path));
  return space.st_ino == UserNamespace();
}

bool Caller::MaySetGroups() const {
  if (!may_set_groups_.has_value()) {
    may_set_groups_ =
        AllowsSetGroups(ReadFile(absl::StrCat(process_, "/setgroups")).value_or("allow"));
  }
  return *may_set_groups_;
}

bool Caller::HasGid(uint32_t gid) const {
  const auto map = ReadFile(absl::StrCat(process_, "/gid_map"));
  if (!map.ok()) return true;
  for (const absl::string_view line : absl::StrSplit(*map, '\n', absl::SkipEmpty())) {
    const std::vector<absl::string_view> numbers = absl::StrSplit(line, ' ', absl::SkipEmpty());
    uint32_t first = 0;
    uint32_t size = 0;
    if (numbers.size() == 3 && absl::SimpleAtoi(numbers[0], &first) &&
        absl::SimpleAtoi(numbers[2], &size) && gid >= first && gid - first < size) {
      return true;
    }
  }
  return false;
}

bool AllowsSetGroups(absl::string_view setgroups) {
  return absl::StripSuffix(setgroups, "\n") != "deny";
}

}  // namespace tiny::security
