// A directory that is removed with everything in it when the test ends.
#ifndef TINY_TESTING_TEMP_DIR_H_
#define TINY_TESTING_TEMP_DIR_H_

#include <string>

#include "absl/strings/string_view.h"

namespace tiny::testing {

class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::string& path() const { return path_; }
  // The path of `name` inside; with Write, a file there with that content.
  std::string Path(absl::string_view name) const;
  std::string Write(absl::string_view name, absl::string_view contents, unsigned mode = 0644) const;

 private:
  std::string path_;
};

}  // namespace tiny::testing

#endif  // TINY_TESTING_TEMP_DIR_H_
