#include "oci/cli/environment.h"

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "security/user.h"

namespace tiny::oci {
namespace {

constexpr size_t kMaxPasswd = size_t{1} << 20;

absl::string_view NameOf(absl::string_view variable) {
  return variable.substr(0, variable.find('='));
}

std::string HomeOf(const absl::StatusOr<fs::RootedDir>& root, uint32_t uid) {
  if (!root.ok()) return "/";
  const std::string passwd = root->ReadFile("/etc/passwd", kMaxPasswd).value_or("");
  const absl::StatusOr<security::ResolvedUser> user =
      security::ResolveUser(absl::StrCat(uid), {}, passwd, "");
  return user.ok() && !user->home.empty() ? user->home : "/";
}

}  // namespace

void CompleteEnvironment(absl::FunctionRef<absl::StatusOr<fs::RootedDir>()> open_root,
                         Process& process) {
  std::vector<std::string> env;
  env.reserve(process.env.size() + 1);
  std::string* home = nullptr;
  for (std::string& variable : process.env) {
    const auto known = std::find_if(env.begin(), env.end(), [&variable](const std::string& other) {
      return NameOf(other) == NameOf(variable);
    });
    std::string& kept = known == env.end() ? env.emplace_back() : *known;
    kept = std::move(variable);
    if (NameOf(kept) == "HOME") home = &kept;
  }
  if (home == nullptr) home = &env.emplace_back("HOME=");
  if (*home == "HOME=") absl::StrAppend(home, HomeOf(open_root(), process.user.uid));
  process.env = std::move(env);
}

}  // namespace tiny::oci
