#include "testing/temp_dir.h"

#include <fcntl.h>
#include <stdlib.h>

#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/unique_fd.h"
#include "gtest/gtest.h"
#include "testing/status_matchers.h"

namespace tiny::testing {

TempDir::TempDir() {
  const char* parent = getenv("TEST_TMPDIR");
  path_ = absl::StrCat(parent != nullptr ? parent : "/tmp", "/tiny.XXXXXX");
  if (mkdtemp(path_.data()) == nullptr) ADD_FAILURE() << "mkdtemp " << path_;
}

TempDir::~TempDir() { EXPECT_OK(RemoveTree(path_)); }

std::string TempDir::Path(absl::string_view name) const { return absl::StrCat(path_, "/", name); }

std::string TempDir::Write(absl::string_view name, absl::string_view contents,
                           unsigned mode) const {
  const std::string path = Path(name);
  EXPECT_OK(MakeDirs(path.substr(0, path.rfind('/')), 0755));
  absl::StatusOr<UniqueFd> fd = OpenFile(path, O_WRONLY | O_CREAT | O_TRUNC, mode);
  EXPECT_OK(fd);
  if (fd.ok()) {
    EXPECT_OK(WriteAll(fd->get(), contents, path));
  }
  return path;
}

}  // namespace tiny::testing
