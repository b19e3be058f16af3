// Whole-file reads and writes, relative to a directory descriptor or by path.
//
// Errors are PosixStatus with the operation and the path. All functions are thread-safe.
#ifndef TINY_BASE_FILES_H_
#define TINY_BASE_FILES_H_

#include <sys/types.h>

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/unique_fd.h"

namespace tiny {

// open(2) and openat(2), with O_CLOEXEC always added.
absl::StatusOr<UniqueFd> OpenFile(absl::string_view path, int flags, mode_t mode = 0);
absl::StatusOr<UniqueFd> OpenFileAt(int directory, absl::string_view path, int flags,
                                    mode_t mode = 0);

// The whole content, up to `limit` bytes; a longer file is kOutOfRange. `directory` may be
// AT_FDCWD. Works for files of procfs and cgroupfs, which report no size.
inline constexpr size_t kDefaultReadLimit = size_t{16} << 20;
absl::StatusOr<std::string> ReadFile(absl::string_view path, size_t limit = kDefaultReadLimit);
absl::StatusOr<std::string> ReadFileAt(int directory, absl::string_view path,
                                       size_t limit = kDefaultReadLimit);
absl::StatusOr<std::string> ReadFd(int fd, absl::string_view what,
                                   size_t limit = kDefaultReadLimit);
// ReadFile for a regular file that was written whole: there a read that is short is the last one.
absl::StatusOr<std::string> ReadRegularFile(absl::string_view path,
                                            size_t limit = kDefaultReadLimit);
absl::StatusOr<std::string> ReadRegularFd(int fd, absl::string_view what,
                                          size_t limit = kDefaultReadLimit);

// Writes all of `contents` in as many write(2) calls as it takes.
absl::Status WriteAll(int fd, absl::string_view contents, absl::string_view what);

// Writes a control file of procfs, sysfs or cgroupfs: an existing file, one write(2).
absl::Status WriteControlFile(absl::string_view path, absl::string_view value);
absl::Status WriteControlFileAt(int directory, absl::string_view path, absl::string_view value);

// Makes the file `name` in `directory` have `contents`, so that any reader at any moment, and a
// machine that lost power, sees either the old or the new file whole: a temporary file beside it,
// write, fsync (unless !sync), rename, fsync of the directory.
absl::Status ReplaceFileAtomically(int directory, absl::string_view name,
                                   absl::string_view contents, mode_t mode, bool sync = true);

// mkdir -p. Existing directories keep their mode.
absl::Status MakeDirs(absl::string_view path, mode_t mode);

// rm -rf of `name` in `directory`: follows no symbolic link and crosses no mount point. A name
// that does not exist is ok.
absl::Status RemoveTreeAt(int directory, absl::string_view name);
absl::Status RemoveTree(absl::string_view path);

// The names in a directory but "." and "..", sorted.
absl::StatusOr<std::vector<std::string>> ListDirectory(absl::string_view path);
absl::StatusOr<std::vector<std::string>> ListDirectoryAt(int directory, absl::string_view path);

bool PathExists(absl::string_view path);

}  // namespace tiny

#endif  // TINY_BASE_FILES_H_
