#include "cgroup/directory.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/files.h"
#include "base/posix_status.h"
#include "base/status_macros.h"

namespace tiny::cgroup {
namespace {

constexpr int kDirectoryFlags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;

absl::StatusOr<Directory> OpenAt(int at, const std::string& name, uint64_t resolve,
                                 std::string path) {
  open_how how = {};
  how.flags = kDirectoryFlags;
  how.resolve = resolve;
  Directory directory;
  directory.path = std::move(path);
  directory.fd.Reset(static_cast<int>(syscall(SYS_openat2, at, name.c_str(), &how, sizeof(how))));
  if (!directory.fd) return PosixStatus(errno, absl::StrCat("open cgroup ", directory.path));
  return directory;
}

absl::StatusOr<std::vector<std::string>> ChildrenOf(const Directory& directory) {
  ASSIGN_OR_RETURN(std::vector<std::string> names, ListDirectoryAt(directory.fd.get(), "."));
  const auto is_file = [&](const std::string& name) {
    struct stat info;
    return fstatat(directory.fd.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0 ||
           !S_ISDIR(info.st_mode);
  };
  names.erase(std::remove_if(names.begin(), names.end(), is_file), names.end());
  return names;
}

}  // namespace

absl::StatusOr<Directory> OpenRoot(absl::string_view mount_point) {
  Directory root;
  root.path = std::string(mount_point);
  ASSIGN_OR_RETURN(root.fd, OpenFile(mount_point, kDirectoryFlags));
  return root;
}

absl::StatusOr<Directory> OpenCgroup(absl::string_view mount_point, absl::string_view path) {
  const std::string whole = absl::StrCat(mount_point, path);
  return OpenAt(AT_FDCWD, whole, RESOLVE_NO_SYMLINKS, whole);
}

absl::StatusOr<Directory> OpenBeneath(const Directory& root, absl::string_view relative) {
  absl::ConsumePrefix(&relative, "/");
  return OpenAt(root.fd.get(), relative.empty() ? "." : std::string(relative),
                RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV,
                relative.empty() ? root.path : absl::StrCat(root.path, "/", relative));
}

absl::StatusOr<Directory> MakeBeneath(const Directory& root, absl::string_view relative) {
  absl::StatusOr<Directory> existing = OpenBeneath(root, relative);
  if (!absl::IsNotFound(existing.status())) return existing;
  ASSIGN_OR_RETURN(Directory current, OpenBeneath(root, ""));
  for (const absl::string_view name : absl::StrSplit(relative, '/', absl::SkipEmpty())) {
    if (mkdirat(current.fd.get(), std::string(name).c_str(), 0755) != 0 && errno != EEXIST) {
      return PosixStatus(errno, absl::StrCat("make cgroup ", current.path, "/", name));
    }
    ASSIGN_OR_RETURN(current, OpenBeneath(current, name));
  }
  return current;
}

absl::Status ForEachCgroup(const Directory& directory,
                           absl::FunctionRef<absl::Status(const Directory&)> visit) {
  ASSIGN_OR_RETURN(const std::vector<std::string> children, ChildrenOf(directory));
  for (const std::string& name : children) {
    const absl::StatusOr<Directory> child = OpenBeneath(directory, name);
    if (absl::IsNotFound(child.status())) continue;
    RETURN_IF_ERROR(child.status());
    RETURN_IF_ERROR(ForEachCgroup(*child, visit));
  }
  return visit(directory);
}

absl::StatusOr<std::vector<pid_t>> ReadPids(const Directory& directory) {
  std::vector<pid_t> pids;
  const absl::StatusOr<std::string> text = ReadFileAt(directory.fd.get(), "cgroup.procs");
  if (!text.ok()) {
    // The cgroup was removed, or is a threaded one, whose processes its parent lists.
    const int error_number = GetErrno(text.status()).value_or(0);
    if (error_number == ENODEV || error_number == ENOENT || error_number == EOPNOTSUPP) return pids;
    return Annotate(text.status(), directory.path);
  }
  for (const absl::string_view line : absl::StrSplit(*text, '\n', absl::SkipEmpty())) {
    pid_t pid = 0;
    // 0 stands for a process of a pid namespace that cannot be seen from here.
    if (absl::SimpleAtoi(line, &pid) && pid > 0) pids.push_back(pid);
  }
  return pids;
}

absl::StatusOr<std::vector<pid_t>> ReadPidsOfTree(const Directory& directory) {
  std::vector<pid_t> all;
  RETURN_IF_ERROR(ForEachCgroup(directory, [&](const Directory& cgroup) -> absl::Status {
    ASSIGN_OR_RETURN(const std::vector<pid_t> pids, ReadPids(cgroup));
    all.insert(all.end(), pids.begin(), pids.end());
    return absl::OkStatus();
  }));
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

absl::Status RemoveCgroups(const Directory& parent, absl::string_view name) {
  const std::string child(name);
  const auto remove = [&]() {
    return unlinkat(parent.fd.get(), child.c_str(), AT_REMOVEDIR) == 0 ? 0 : errno;
  };
  int error_number = remove();
  // EBUSY is what cgroup file systems say of a cgroup that has processes or children.
  if (error_number == EBUSY || error_number == ENOTEMPTY) {
    const absl::StatusOr<Directory> directory = OpenBeneath(parent, name);
    if (absl::IsNotFound(directory.status())) return absl::OkStatus();
    RETURN_IF_ERROR(directory.status());
    ASSIGN_OR_RETURN(const std::vector<std::string> children, ChildrenOf(*directory));
    for (const std::string& grandchild : children) {
      RETURN_IF_ERROR(RemoveCgroups(*directory, grandchild));
    }
    error_number = remove();
  }
  if (error_number == 0 || error_number == ENOENT) return absl::OkStatus();
  return PosixStatus(error_number, absl::StrCat("remove cgroup ", parent.path, "/", name));
}

std::pair<absl::string_view, absl::string_view> SplitLast(absl::string_view path) {
  const size_t slash = path.rfind('/');
  if (slash == absl::string_view::npos) return {"", path};
  return {path.substr(0, slash), path.substr(slash + 1)};
}

}  // namespace tiny::cgroup
