// The last name of a path in a root, and the directory that holds it.
#ifndef TINY_RUNTIME_FILES_ROOTED_LEAF_H_
#define TINY_RUNTIME_FILES_ROOTED_LEAF_H_

#include <sys/stat.h>

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/unique_fd.h"
#include "fs/rooted_dir.h"

namespace tiny::runtime {

enum class Follow { kNo, kYes };
enum class Missing { kRefused, kAllowed };

struct Leaf {
  UniqueFd directory;     // O_PATH
  std::string name;       // "." for the root itself
  struct stat file = {};  // of the name itself; all 0 where there is nothing
};

// With Follow::kYes a symbolic link at the end is replaced by where it leads in the root, also when
// nothing is there yet. kNotFound where the directory, or with Missing::kRefused the name, is not.
absl::StatusOr<Leaf> FindLeaf(const fs::RootedDir& root, absl::string_view path, Follow follow,
                              Missing missing);

}  // namespace tiny::runtime

#endif  // TINY_RUNTIME_FILES_ROOTED_LEAF_H_
