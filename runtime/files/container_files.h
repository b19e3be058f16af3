// What `cp`, `diff` and `export` do: files into, out of, and changed in a container.
//
// The container's side is a RootedDir of what its processes see: /proc/PID/root of a running one
// (with its mounts), its overlay (fs/overlay.h) or folder when stopped. However the container moves
// its directories and symbolic links about meanwhile, nothing outside of it is read or written.
#ifndef TINY_RUNTIME_FILES_CONTAINER_FILES_H_
#define TINY_RUNTIME_FILES_CONTAINER_FILES_H_

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/unique_fd.h"
#include "fs/rooted_dir.h"

namespace tiny::runtime {

struct CopyOptions {
  bool archive = false;      // keep owners
  bool follow_link = false;  // a source that is a symbolic link stands for its target
  // In: whom files belong to without `archive`; root of the container, which in a user namespace
  // is another user of the host.
  uid_t container_uid = 0;
  gid_t container_gid = 0;
};

// docker cp's rules, those of cp -a: a directory goes into an existing directory under its own name
// (its contents, where the source ends in "/."), and becomes a directory that is not there yet,
// whose parent must be; a file replaces a file. kNotFound: no such source, or parent;
// kFailedPrecondition: a file where a directory is wanted, or the other way round.
// Symbolic links, fifos and devices are copied as they are; sockets are left out, and one alone is
// kFailedPrecondition. Without options.archive files belong to the caller on the host and to root
// in the container. What comes out and was not the caller's before loses its set-user-ID bits, and
// a device is the caller's alone.
absl::Status CopyOut(const fs::RootedDir& container, absl::string_view source,
                     absl::string_view host_destination, const CopyOptions& options);
absl::Status CopyIn(absl::string_view host_source, const fs::RootedDir& container,
                    absl::string_view destination, const CopyOptions& options);

// The same with a tar stream (POSIX.1-2001 pax) as the host's side. In: what the stream has is made
// in the existing directory `destination`; a member with ".." or of a kind that is no file's, and a
// damaged or compressed stream, are kInvalidArgument: the rest is not read.
absl::Status WriteTar(const fs::RootedDir& container, absl::string_view source, int output,
                      const CopyOptions& options);
absl::Status ExtractTar(int input, const fs::RootedDir& container, absl::string_view destination,
                        const CopyOptions& options);

// `export`: the whole file system, other mounts left out.
absl::Status ExportTar(const fs::RootedDir& container, int output);

// The root of a running container, for as long as its process lives. `pidfd` is checked after the
// open, so that it is that process's root and not that of one with the same pid.
absl::StatusOr<fs::RootedDir> OpenProcessRoot(pid_t pid, int pidfd);

// What is mounted at `place`, an O_PATH descriptor of a directory in the mount namespace of the
// process behind `pidfd`, with all that is mounted beneath: a detached tree, which can be moved
// into another namespace (move_mount(2)). For a process with one thread.
absl::StatusOr<UniqueFd> CloneMounts(int pidfd, UniqueFd place);

struct Change {
  char kind = 'C';   // 'A'dded, 'C'hanged, 'D'eleted
  std::string path;  // absolute, in the container
};

// What an overlay's upper directory (a descriptor of it, O_PATH will do) says has changed against
// the layers below; by path.
absl::StatusOr<std::vector<Change>> DiffUpper(int upper,
                                              const std::vector<std::string>& lower_dirs);

}  // namespace tiny::runtime

#endif  // TINY_RUNTIME_FILES_CONTAINER_FILES_H_
