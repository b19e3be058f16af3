#include "base/posix_status.h"

#include <errno.h>

#include "gtest/gtest.h"
#include "testing/status_matchers.h"

namespace tiny {
namespace {

TEST(PosixStatusTest, SaysOperationReasonAndErrno) {
  const absl::Status status = PosixStatus(EPERM, "mount proc on /proc");
  EXPECT_EQ(status.message(), "mount proc on /proc: operation not permitted (EPERM)");
  EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(GetErrno(status), EPERM);
}

TEST(PosixStatusTest, KeepsErrnosThatShareACodeApart) {
  EXPECT_EQ(PosixStatus(EROFS, "x").code(), PosixStatus(EACCES, "x").code());
  EXPECT_EQ(GetErrno(PosixStatus(EROFS, "x")), EROFS);
}

TEST(PosixStatusTest, AnnotateKeepsCodeErrnoAndHint) {
  const absl::Status status =
      Annotate(WithHint(PosixStatus(ENOENT, "open /x"), "make it"), "start web");
  EXPECT_EQ(status.message(), "start web: open /x: no such file or directory (ENOENT)");
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(GetErrno(status), ENOENT);
  EXPECT_EQ(GetHint(status), "make it");
}

TEST(PosixStatusTest, TheFirstHintStays) {
  EXPECT_EQ(GetHint(WithHint(WithHint(absl::InternalError("x"), "first"), "second")), "first");
  EXPECT_EQ(GetHint(WithHint(absl::OkStatus(), "first")), "");
}

}  // namespace
}  // namespace tiny
