#include "runtime/files/rooted_leaf.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/posix_status.h"
#include "base/status_macros.h"

namespace tiny::runtime {
namespace {

constexpr int kMostLinks = 40;  // as the kernel's own

// "a/b/" and "a/b/." are "a/b".
absl::string_view WithoutTail(absl::string_view path) {
  while (path.size() > 1 && (absl::EndsWith(path, "/") || absl::EndsWith(path, "/."))) {
    path.remove_suffix(1);
  }
  return path;
}

bool IsRootItself(absl::string_view path) {
  return path.empty() || path == "/" || path == "." || path == ".." || absl::EndsWith(path, "/..");
}

}  // namespace

absl::StatusOr<Leaf> FindLeaf(const fs::RootedDir& root, absl::string_view path, Follow follow,
                              Missing missing) {
  std::string current = absl::StrCat("/", WithoutTail(path));
  for (int links = 0; links < kMostLinks; ++links) {
    Leaf leaf;
    if (IsRootItself(current) || current == "//" || current == "/.") {
      ASSIGN_OR_RETURN(leaf.directory, root.OpenIn(current, O_PATH | O_DIRECTORY));
      leaf.name = ".";
    } else {
      ASSIGN_OR_RETURN(fs::RootedDir::Parent parent, root.OpenParent(current));
      leaf.directory = std::move(parent.directory);
      leaf.name = std::move(parent.name);
    }
    if (fstatat(leaf.directory.get(), leaf.name.c_str(), &leaf.file, AT_SYMLINK_NOFOLLOW) != 0) {
      if (errno != ENOENT || missing == Missing::kRefused) {
        return PosixStatus(errno, absl::StrCat("stat ", path));
      }
      leaf.file = {};
      return leaf;
    }
    if (!S_ISLNK(leaf.file.st_mode) || follow == Follow::kNo) return leaf;

    char target[PATH_MAX];
    const ssize_t length =
        readlinkat(leaf.directory.get(), leaf.name.c_str(), target, sizeof(target));
    if (length < 0) return PosixStatus(errno, absl::StrCat("readlink ", path));
    const absl::string_view link(target, static_cast<size_t>(length));
    // The directory's path need not be plain: the kernel walks it anew, within the root.
    current = absl::StartsWith(link, "/")
                  ? std::string(WithoutTail(link))
                  : absl::StrCat(current.substr(0, current.rfind('/') + 1), WithoutTail(link));
  }
  return PosixStatus(ELOOP, absl::StrCat("follow ", path));
}

}  // namespace tiny::runtime
