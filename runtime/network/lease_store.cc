#include "runtime/network/lease_store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/files.h"
#include "base/posix_status.h"
#include "base/status_macros.h"

namespace tiny::runtime {

std::string Lease::Text() const {
  std::string text =
      absl::StrCat(container, " ", process.pid, " ", process.start_time, " ", process.boot_id);
  for (const std::string& value : values) absl::StrAppend(&text, " ", value);
  return text;
}

std::optional<Lease> ParseLease(absl::string_view text) {
  std::vector<std::string> words = absl::StrSplit(text, ' ');
  Lease lease;
  if (words.size() < 4 || words[0].empty() || !absl::SimpleAtoi(words[1], &lease.process.pid) ||
      lease.process.pid <= 0 || !absl::SimpleAtoi(words[2], &lease.process.start_time)) {
    return std::nullopt;
  }
  lease.container = std::move(words[0]);
  lease.process.boot_id = std::move(words[3]);
  lease.values.assign(std::make_move_iterator(words.begin() + 4),
                      std::make_move_iterator(words.end()));
  return lease;
}

bool Liveness::IsAlive(const Lease& lease) {
  if (lease.process.boot_id != BootId()) return false;
  auto [entry, is_new] = seen_.try_emplace(lease.process.pid);
  if (is_new) {
    if (auto stat = ReadProcessStat(lease.process.pid); stat.ok()) entry->second = *std::move(stat);
  }
  // A zombie has left its network namespace.
  return entry->second && entry->second->start_time == lease.process.start_time &&
         entry->second->state != 'Z' && entry->second->state != 'X';
}

LeaseStore::LeaseStore(std::string path, UniqueFd directory)
    : path_(std::move(path)), directory_(std::move(directory)) {}

absl::StatusOr<LeaseStore> LeaseStore::Open(absl::string_view run_root) {
  std::string path = absl::StrCat(run_root, "/leases");
  auto directory = OpenFile(path, O_RDONLY | O_DIRECTORY);
  if (!directory.ok() && GetErrno(directory.status()) != ENOENT) return directory.status();
  return LeaseStore(std::move(path), directory.ok() ? *std::move(directory) : UniqueFd());
}

int LeaseStore::Directory() const {
  if (!directory_) directory_.Reset(open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return directory_.get();
}

absl::Status LeaseStore::Make() const {
  if (Directory() >= 0) return absl::OkStatus();
  for (const char* kind : {"/addresses", "/names", "/ports"}) {
    RETURN_IF_ERROR(MakeDirs(absl::StrCat(path_, kind), 0700));
  }
  return absl::OkStatus();
}

absl::StatusOr<UniqueFd> LeaseStore::Lock(Sharing sharing) const {
  RETURN_IF_ERROR(Make());
  // A description of its own: locks of one process's copies would not exclude each other.
  ASSIGN_OR_RETURN(UniqueFd lock, OpenFileAt(Directory(), ".", O_RDONLY | O_DIRECTORY));
  while (flock(lock.get(), sharing == Sharing::kShared ? LOCK_SH : LOCK_EX) != 0) {
    if (errno != EINTR) return PosixStatus(errno, absl::StrCat("lock ", path_));
  }
  return lock;
}

absl::StatusOr<bool> LeaseStore::Claim(const std::string& path, const Lease& lease) const {
  RETURN_IF_ERROR(Make());
  const std::string text = lease.Text();
  for (int attempt = 0; attempt < 3; ++attempt) {
    if (symlinkat(text.c_str(), Directory(), path.c_str()) == 0) return true;
    if (errno == EEXIST) return false;
    if (errno != ENOENT) break;
    // The first lease in a folder makes it; another may remove it again while it is empty.
    RETURN_IF_ERROR(MakeDirs(absl::StrCat(path_, "/", path.substr(0, path.rfind('/'))), 0700));
  }
  return PosixStatus(errno, absl::StrCat("claim ", path_, "/", path));
}

absl::Status LeaseStore::Replace(const std::string& path, const Lease& lease) const {
  const std::string next = absl::StrCat(path, "~");
  (void)unlinkat(Directory(), next.c_str(), 0);
  ASSIGN_OR_RETURN(const bool made, Claim(next, lease));
  if (made && renameat(Directory(), next.c_str(), Directory(), path.c_str()) == 0) {
    return absl::OkStatus();
  }
  return PosixStatus(errno, absl::StrCat("replace ", path_, "/", path));
}

std::optional<Lease> LeaseStore::Read(const std::string& path) const {
  char text[PATH_MAX];
  const ssize_t size = readlinkat(Directory(), path.c_str(), text, sizeof(text));
  if (size < 0) return std::nullopt;
  return ParseLease(absl::string_view(text, static_cast<size_t>(size)));
}

std::vector<std::string> LeaseStore::List(const std::string& folder) const {
  auto names = ListDirectoryAt(Directory(), folder);
  return names.ok() ? *std::move(names) : std::vector<std::string>();
}

absl::Status LeaseStore::Release(const std::string& path, absl::string_view container) const {
  if (Directory() < 0) return absl::OkStatus();
  ASSIGN_OR_RETURN(const UniqueFd lock, Lock(Sharing::kExclusive));
  const auto lease = Read(path);
  if (!lease || lease->container != container) return absl::OkStatus();
  if (unlinkat(Directory(), path.c_str(), 0) != 0 && errno != ENOENT) {
    return PosixStatus(errno, absl::StrCat("release ", path_, "/", path));
  }
  return absl::OkStatus();
}

bool LeaseStore::ReleaseDead(const std::string& path, Liveness& liveness) const {
  const auto lease = Read(path);
  // What is no lease at all was not put there by tiny: it only takes up a name.
  if (lease && liveness.IsAlive(*lease)) return false;
  return unlinkat(Directory(), path.c_str(), 0) == 0;
}

void LeaseStore::RemoveFolder(const std::string& folder) const {
  (void)unlinkat(Directory(), folder.c_str(), AT_REMOVEDIR);
}

}  // namespace tiny::runtime
