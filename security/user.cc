#include "security/user.h"

#include <algorithm>
#include <optional>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"

namespace tiny::security {
namespace {

constexpr size_t kMaxNameLength = 256;

bool AllDigits(absl::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), absl::ascii_isdigit);
}

// 2^32-1 is "no change" to the kernel's setters and never an id.
std::optional<uint32_t> ParseId(absl::string_view text) {
  uint32_t id = 0;
  if (!AllDigits(text) || !absl::SimpleAtoi(text, &id) || id == UINT32_MAX) return std::nullopt;
  return id;
}

bool IsName(absl::string_view text) {
  if (text.empty() || text.size() > kMaxNameLength) return false;
  if (!absl::ascii_isalpha(text[0]) && text[0] != '_') return false;
  if (text.back() == '$') text.remove_suffix(1);
  return std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isalnum(c) || c == '_' || c == '.' || c == '-';
  });
}

// One half of a spec: a number, or a name to look up.
struct Selector {
  std::optional<uint32_t> id;
  absl::string_view name;
};

absl::StatusOr<Selector> ParseSelector(absl::string_view text, absl::string_view what) {
  if (AllDigits(text)) {
    const std::optional<uint32_t> id = ParseId(text);
    if (!id) {
      return absl::InvalidArgumentError(
          absl::StrCat(what, " ", text, ": not between 0 and 4294967294"));
    }
    return Selector{.id = id, .name = {}};
  }
  if (!IsName(text)) {
    return absl::InvalidArgumentError(
        absl::StrCat(what, " \"", absl::CHexEscape(text), "\": neither a number nor a valid name"));
  }
  return Selector{.id = std::nullopt, .name = text};
}

// Calls `visit` with the colon-separated fields of every line; stops when it returns true.
template <typename Visitor>
void ForEachEntry(absl::string_view text, size_t min_fields, Visitor visit) {
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const absl::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line[0] == '#') continue;
    const std::vector<absl::string_view> fields = absl::StrSplit(line, ':');
    if (fields.size() >= min_fields && visit(fields)) return;
  }
}

struct PasswdEntry {
  std::string name;
  uint32_t uid = 0;
  uint32_t gid = 0;
  std::string home;
};

// name:password:uid:gid:gecos:home:shell. Entries with ids that are no ids are not there.
std::optional<PasswdEntry> FindUser(absl::string_view passwd, const Selector& wanted) {
  std::optional<PasswdEntry> found;
  ForEachEntry(passwd, 6, [&](const std::vector<absl::string_view>& fields) {
    const std::optional<uint32_t> uid = ParseId(fields[2]);
    const std::optional<uint32_t> gid = ParseId(fields[3]);
    if (!uid || !gid) return false;
    if (wanted.id ? *wanted.id != *uid : wanted.name != fields[0]) return false;
    found = PasswdEntry{std::string(fields[0]), *uid, *gid, std::string(fields[5])};
    return true;
  });
  return found;
}

// name:password:gid:member,member
std::optional<uint32_t> FindGroup(absl::string_view group, absl::string_view name) {
  std::optional<uint32_t> found;
  ForEachEntry(group, 3, [&](const std::vector<absl::string_view>& fields) {
    if (fields[0] != name) return false;
    found = ParseId(fields[2]);
    return found.has_value();
  });
  return found;
}

std::vector<uint32_t> GroupsOf(absl::string_view group, absl::string_view user) {
  std::vector<uint32_t> gids;
  ForEachEntry(group, 4, [&](const std::vector<absl::string_view>& fields) {
    const std::vector<absl::string_view> members = absl::StrSplit(fields[3], ',');
    const std::optional<uint32_t> gid = ParseId(fields[2]);
    if (gid && std::find(members.begin(), members.end(), user) != members.end()) {
      gids.push_back(*gid);
    }
    return false;
  });
  return gids;
}

absl::StatusOr<uint32_t> ResolveGroup(absl::string_view text, absl::string_view group) {
  ASSIGN_OR_RETURN(const Selector selector, ParseSelector(text, "group"));
  if (selector.id) return *selector.id;
  const std::optional<uint32_t> gid = FindGroup(group, selector.name);
  if (!gid) {
    return absl::NotFoundError(
        absl::StrCat("group ", text, ": no such entry in the container's /etc/group"));
  }
  return *gid;
}

}  // namespace

absl::StatusOr<ResolvedUser> ResolveUser(absl::string_view spec,
                                         absl::Span<const std::string> group_add,
                                         absl::string_view passwd, absl::string_view group) {
  const size_t colon = spec.find(':');
  const absl::string_view user_text = spec.substr(0, colon);
  const absl::string_view group_text =
      colon == absl::string_view::npos ? "" : spec.substr(colon + 1);

  Selector user{.id = 0, .name = {}};
  if (!user_text.empty()) {
    ASSIGN_OR_RETURN(user, ParseSelector(user_text, "user"));
  }
  ResolvedUser result;
  const std::optional<PasswdEntry> entry = FindUser(passwd, user);
  if (entry) {
    result.uid = entry->uid;
    result.gid = entry->gid;
    result.name = entry->name;
    if (!entry->home.empty()) result.home = entry->home;
  } else if (user.id) {
    result.uid = *user.id;
  } else {
    return absl::NotFoundError(
        absl::StrCat("user ", user_text, ": no such entry in the container's /etc/passwd"));
  }

  if (!group_text.empty()) {
    ASSIGN_OR_RETURN(result.gid, ResolveGroup(group_text, group));
  } else if (!result.name.empty()) {
    result.additional_gids = GroupsOf(group, result.name);
  }
  for (const std::string& extra : group_add) {
    ASSIGN_OR_RETURN(const uint32_t gid, ResolveGroup(extra, group));
    result.additional_gids.push_back(gid);
  }
  std::vector<uint32_t>& gids = result.additional_gids;
  gids.push_back(result.gid);
  std::sort(gids.begin(), gids.end());
  gids.erase(std::unique(gids.begin(), gids.end()), gids.end());
  return result;
}

}  // namespace tiny::security
