#include "oci/cli/environment.h"

#include <cstddef>
#include <map>
#include <optional>
#include <string>
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

std::string HomeOf(const std::string& passwd, uint32_t uid) {
  const absl::StatusOr<security::ResolvedUser> user =
      security::ResolveUser(absl::StrCat(uid), {}, passwd, "");
  return user.ok() && !user->home.empty() ? user->home : "/";
}

}  // namespace

std::string PasswdIn(const fs::RootedDir& root) {
  return root.ReadFile("/etc/passwd", kMaxPasswd).value_or("");
}

void CompleteEnvironment(absl::FunctionRef<std::string()> passwd, Process& process) {
  // Each stands where its name is first, with the value that is last. The names are those of
  // process.env, where the strings stay meanwhile.
  std::map<absl::string_view, size_t> places;
  std::vector<size_t> last;
  for (size_t i = 0; i < process.env.size(); ++i) {
    const auto [known, is_new] = places.try_emplace(NameOf(process.env[i]), last.size());
    if (is_new) {
      last.push_back(i);
    } else {
      last[known->second] = i;
    }
  }
  const auto home_place = places.find("HOME");
  const std::optional<size_t> home_index =
      home_place == places.end() ? std::nullopt : std::optional(home_place->second);
  std::vector<std::string> env;
  env.reserve(last.size() + 1);
  for (const size_t i : last) env.push_back(std::move(process.env[i]));
  std::string* home = home_index.has_value() ? &env[*home_index] : nullptr;
  if (home == nullptr) home = &env.emplace_back("HOME=");
  if (*home == "HOME=") absl::StrAppend(home, HomeOf(passwd(), process.user.uid));
  process.env = std::move(env);
}

}  // namespace tiny::oci
