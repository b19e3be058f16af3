#include "net/legacy_iptables.h"

#include <arpa/inet.h>  // before linux/in.h, which would else define the same types
#include <errno.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstddef>

#include "absl/strings/str_split.h"
#include "base/files.h"
#include "base/posix_status.h"
#include "base/status_macros.h"
#include "base/unique_fd.h"

namespace tiny::net {
namespace {

constexpr char kFilter[] = "filter";
// The kernel's own: a verdict is stored as -verdict - 1.
constexpr int kStoredAccept = -NF_ACCEPT - 1;
constexpr int kStoredDrop = -NF_DROP - 1;

template <typename T>
std::optional<T> ReadAt(absl::string_view bytes, size_t offset) {
  if (offset > bytes.size() || bytes.size() - offset < sizeof(T)) return std::nullopt;
  T value;
  memcpy(&value, bytes.data() + offset, sizeof(T));
  return value;
}

template <size_t kSize>
std::string Text(const char (&field)[kSize]) {
  return std::string(field, strnlen(field, kSize));
}

// As ipt_entry and xt_entry_target are, less their flexible ends.
struct Entry {
  ipt_ip ip;
  unsigned int cache;
  uint16_t target_offset;
  uint16_t next_offset;
};
struct Target {
  uint16_t size;
  char name[XT_EXTENSION_MAXNAMELEN];
  uint8_t revision;
};
static_assert(offsetof(ipt_entry, next_offset) == offsetof(Entry, next_offset));
static_assert(sizeof(xt_entry_target) == sizeof(Target));

std::optional<int> VerdictOf(absl::string_view entries, size_t target_at) {
  const auto target = ReadAt<Target>(entries, target_at);
  // The standard target has no name.
  if (!target || target->name[0] != '\0') return std::nullopt;
  return ReadAt<int>(entries, target_at + sizeof(Target));
}

}  // namespace

std::optional<LegacyFilter> ParseLegacyFilter(absl::string_view info_bytes,
                                              absl::string_view entries) {
  const auto info = ReadAt<ipt_getinfo>(info_bytes, 0);
  if (!info) return std::nullopt;
  LegacyFilter filter;
  size_t offset = 0;
  while (offset < entries.size()) {
    const auto entry = ReadAt<Entry>(entries, offset);
    if (!entry || entry->next_offset < sizeof(ipt_entry) ||
        entry->next_offset > entries.size() - offset) {
      return std::nullopt;
    }
    const size_t target_at = offset + entry->target_offset;
    const std::optional<int> verdict = VerdictOf(entries, target_at);
    if (offset == info->underflow[NF_INET_FORWARD]) filter.forward_drops = verdict == kStoredDrop;
    const auto target = ReadAt<Target>(entries, target_at);
    if (target && Text(target->name) == XT_ERROR_TARGET) {
      // The head of a user's chain bears its name; the table's end that of the target.
      char name[XT_FUNCTION_MAXNAMELEN] = "";
      const size_t at = target_at + sizeof(Target);
      memcpy(name, entries.data() + std::min(at, entries.size()),
             std::min(sizeof(name) - 1, entries.size() - std::min(at, entries.size())));
      if (Text(name) != XT_ERROR_TARGET) filter.chains.push_back(Text(name));
    }
    if (verdict == kStoredAccept && entry->ip.invflags == 0) {
      if (entry->ip.iniface[0] != '\0') filter.accepts_from.push_back(Text(entry->ip.iniface));
      if (entry->ip.outiface[0] != '\0') filter.accepts_to.push_back(Text(entry->ip.outiface));
    }
    offset += entry->next_offset;
  }
  return filter;
}

absl::StatusOr<std::optional<LegacyFilter>> ReadLegacyFilter() {
  const auto names = ReadFile("/proc/thread-self/net/ip_tables_names");
  if (GetErrno(names.status()) == ENOENT) return std::nullopt;
  RETURN_IF_ERROR(names.status());
  const std::vector<absl::string_view> tables = absl::StrSplit(*names, '\n');
  if (std::find(tables.begin(), tables.end(), kFilter) == tables.end()) return std::nullopt;
  const UniqueFd fd(socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW));
  if (!fd) return PosixStatus(errno, "open a raw socket to read the legacy iptables");
  // Another may change the table between the two questions: its size then does not fit (EAGAIN).
  constexpr int kAttempts = 5;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    ipt_getinfo info = {};
    memcpy(info.name, kFilter, sizeof(kFilter));
    socklen_t length = sizeof(info);
    if (getsockopt(fd.get(), IPPROTO_IP, IPT_SO_GET_INFO, &info, &length) != 0) {
      return PosixStatus(errno, "read the legacy iptables");
    }
    std::string answer(offsetof(ipt_get_entries, entrytable) + info.size, '\0');
    memcpy(answer.data(), kFilter, sizeof(kFilter));
    memcpy(answer.data() + offsetof(ipt_get_entries, size), &info.size, sizeof(info.size));
    length = static_cast<socklen_t>(answer.size());
    if (getsockopt(fd.get(), IPPROTO_IP, IPT_SO_GET_ENTRIES, answer.data(), &length) != 0) {
      if (errno == EAGAIN) continue;
      return PosixStatus(errno, "read the legacy iptables");
    }
    const absl::string_view info_bytes(reinterpret_cast<const char*>(&info), sizeof(info));
    auto filter = ParseLegacyFilter(
        info_bytes,
        absl::string_view(answer).substr(offsetof(ipt_get_entries, entrytable), info.size));
    if (!filter) return absl::DataLossError("the legacy iptables are malformed");
    return filter;
  }
  return absl::AbortedError("the legacy iptables change all the time");
}

}  // namespace tiny::net
