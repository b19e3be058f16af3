// Trees of folders and links, and a path: wherever it leads, that is in the root.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/files.h"
#include "fs/rooted_dir.h"

namespace {

// Names of one letter meet more often; what is not of the alphabet becomes a part of it.
std::string ShortPath(absl::string_view text) {
  std::string path;
  for (const char c : text.substr(0, 24)) path += "ab./abc../"[static_cast<unsigned char>(c) % 10];
  return path.empty() ? "/" : path;
}

void RequireInside(const absl::StatusOr<tiny::UniqueFd>& fd, const std::string& root) {
  if (!fd.ok()) return;
  char where[4096];
  const ssize_t length =
      readlink(absl::StrCat("/proc/self/fd/", fd->get()).c_str(), where, sizeof(where));
  const absl::string_view path(where, static_cast<size_t>(length < 0 ? 0 : length));
  if (path != root && !absl::StartsWith(path, root + "/")) abort();
}

}  // namespace

// Lines "mPATH" make a folder, "lPATH=TARGET" a link, "fPATH" a file, and any other is opened.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const char* temporary = getenv("TEST_TMPDIR");
  std::string base = absl::StrCat(temporary != nullptr ? temporary : "/tmp", "/rooted-XXXXXX");
  if (size > 512 || mkdtemp(base.data()) == nullptr) return 0;
  const std::string root = base + "/root";
  if (mkdir(root.c_str(), 0700) != 0) abort();
  const auto rooted = tiny::fs::RootedDir::Open(root);
  if (!rooted.ok()) abort();
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  for (const absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    const std::vector<absl::string_view> parts =
        absl::StrSplit(line.substr(1), absl::MaxSplits('=', 1));
    const std::string path = ShortPath(parts[0]);
    if (line[0] == 'm') rooted->MakeDirs(path, 0700).IgnoreError();
    if (line[0] == 'f') rooted->CreateFile(path, 0600).IgnoreError();
    if (line[0] == 'l' && parts.size() > 1) {
      rooted->Symlink(path, ShortPath(parts[1])).IgnoreError();
    }
    RequireInside(rooted->OpenIn(path, O_PATH), root);
    if (auto parent = rooted->OpenParent(path); parent.ok()) {
      RequireInside(std::move(parent->directory), root);
    }
  }
  // Nothing came to be beside it.
  const auto beside = tiny::ListDirectory(base);
  if (!beside.ok() || beside->size() != 1) abort();
  if (!tiny::RemoveTree(base).ok()) abort();
  return 0;
}
