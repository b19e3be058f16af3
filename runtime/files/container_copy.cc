#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/posix_status.h"
#include "base/status_macros.h"
#include "fs/copy_tree.h"
#include "runtime/files/container_files.h"
#include "runtime/files/rooted_leaf.h"

namespace tiny::runtime {
namespace {

bool EndsInDot(absl::string_view path) { return path == "." || absl::EndsWith(path, "/."); }

absl::StatusOr<std::string> Absolute(absl::string_view host_path) {
  if (host_path.empty()) return absl::InvalidArgumentError("cp: empty path");
  if (host_path[0] == '/') return std::string(host_path);
  char directory[PATH_MAX];
  if (getcwd(directory, sizeof(directory)) == nullptr) return PosixStatus(errno, "getcwd");
  return absl::StrCat(directory, "/", host_path);
}

struct Destination {
  UniqueFd directory;
  std::string name;  // to be made or replaced; empty: the directory takes the contents
};

// Where cp -a would put a source of that kind and name.
absl::StatusOr<Destination> FindDestination(const fs::RootedDir& root, absl::string_view path,
                                            const Leaf& source, bool contents_only) {
  const bool source_is_directory = S_ISDIR(source.file.st_mode);
  absl::StatusOr<UniqueFd> existing = root.OpenIn(path, O_PATH);
  struct stat file = {};
  if (existing.ok() && fstat(existing->get(), &file) != 0) {
    return PosixStatus(errno, absl::StrCat("stat ", path));
  }
  if (existing.ok() && S_ISDIR(file.st_mode)) {
    return Destination{*std::move(existing), contents_only ? "" : source.name};
  }
  if (existing.ok() && source_is_directory) {
    return absl::FailedPreconditionError(
        absl::StrCat("cp: ", path, " is a file: a directory can't be copied there"));
  }
  if (!existing.ok() && !absl::IsNotFound(existing.status())) return existing.status();
  if (!source_is_directory && (absl::EndsWith(path, "/") || EndsInDot(path))) {
    return absl::NotFoundError(absl::StrCat("cp: no such directory: ", path));
  }
  absl::StatusOr<Leaf> leaf = FindLeaf(root, path, Follow::kYes, Missing::kAllowed);
  if (absl::IsNotFound(leaf.status())) {
    return absl::NotFoundError(absl::StrCat("cp: the directory of ", path, " does not exist"));
  }
  RETURN_IF_ERROR(leaf.status());
  return Destination{std::move(leaf->directory), std::move(leaf->name)};
}

absl::Status Copy(const fs::RootedDir& from, absl::string_view source, const fs::RootedDir& to,
                  absl::string_view destination, bool follow, const fs::CopyTreeOptions& options) {
  // A path that ends in a slash is what a link there stands for.
  const bool contents_only = EndsInDot(source);
  const Follow kind =
      follow || contents_only || absl::EndsWith(source, "/") ? Follow::kYes : Follow::kNo;
  absl::StatusOr<Leaf> leaf = FindLeaf(from, source, kind, Missing::kRefused);
  if (absl::IsNotFound(leaf.status())) {
    return absl::NotFoundError(absl::StrCat("cp: no such file or directory: ", source));
  }
  RETURN_IF_ERROR(leaf.status());
  if (S_ISSOCK(leaf->file.st_mode)) {
    return absl::FailedPreconditionError(
        absl::StrCat("cp: ", source, " is a socket, which only its server can make"));
  }
  ASSIGN_OR_RETURN(const Destination target,
                   FindDestination(to, destination, *leaf, contents_only));
  if (!S_ISDIR(leaf->file.st_mode)) {
    return fs::CopyTreeAt(leaf->directory.get(), leaf->name, target.directory.get(), target.name,
                          options);
  }
  // The directory itself, so that it may be the root, and mounted.
  ASSIGN_OR_RETURN(const UniqueFd contents, OpenFileAt(leaf->directory.get(), leaf->name,
                                                       O_PATH | O_DIRECTORY | O_NOFOLLOW));
  if (target.name.empty()) {
    return fs::CopyDirectoryContents(contents.get(), target.directory.get(), options);
  }
  if (mkdirat(target.directory.get(), target.name.c_str(), 0700) != 0 && errno != EEXIST) {
    return PosixStatus(errno, absl::StrCat("mkdir ", target.name));
  }
  absl::StatusOr<UniqueFd> made =
      OpenFileAt(target.directory.get(), target.name, O_PATH | O_DIRECTORY | O_NOFOLLOW);
  if (GetErrno(made.status()) == ENOTDIR) {
    return absl::FailedPreconditionError(
        absl::StrCat("cp: ", target.name, " is a file: a directory can't be copied there"));
  }
  RETURN_IF_ERROR(made.status());
  return fs::CopyDirectoryContents(contents.get(), made->get(), options);
}

}  // namespace

absl::Status CopyOut(const fs::RootedDir& container, absl::string_view source,
                     absl::string_view host_destination, const CopyOptions& options) {
  ASSIGN_OR_RETURN(const fs::RootedDir host, fs::RootedDir::Open("/"));
  ASSIGN_OR_RETURN(const std::string destination, Absolute(host_destination));
  return Copy(container, source, host, destination, options.follow_link,
              {.keep_owner = options.archive, .cross_mounts = true});
}

absl::Status CopyIn(absl::string_view host_source, const fs::RootedDir& container,
                    absl::string_view destination, const CopyOptions& options) {
  ASSIGN_OR_RETURN(const fs::RootedDir host, fs::RootedDir::Open("/"));
  ASSIGN_OR_RETURN(const std::string source, Absolute(host_source));
  return Copy(host, source, container, destination, options.follow_link,
              {.keep_owner = options.archive,
               .trusted = true,
               .uid = options.container_uid,
               .gid = options.container_gid,
               .cross_mounts = true});
}

}  // namespace tiny::runtime
