// A user, a passwd and a group file, split by NULs: whoever is found has the ids that were written.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "security/user.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  const std::vector<absl::string_view> parts = absl::StrSplit(text, absl::MaxSplits('\0', 2));
  const absl::string_view passwd = parts.size() > 1 ? parts[1] : "";
  const absl::string_view group = parts.size() > 2 ? parts[2] : "";
  const auto user = tiny::security::ResolveUser(parts[0], {}, passwd, group);
  if (!user.ok()) return 0;
  if (user->uid == UINT32_MAX || user->gid == UINT32_MAX) abort();
  bool has_primary = false;
  for (const uint32_t gid : user->additional_gids) has_primary = has_primary || gid == user->gid;
  if (!has_primary) abort();
  // Digits are a number, whatever names the files have.
  const absl::string_view name = parts[0].substr(0, parts[0].find(':'));
  if (!name.empty() && name.find_first_not_of("0123456789") == absl::string_view::npos) {
    uint32_t number = 0;
    if (!absl::SimpleAtoi(name, &number) || number != user->uid) abort();
  }
  return 0;
}
