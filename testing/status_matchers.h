// EXPECT_OK, ASSERT_OK_AND_ASSIGN and StatusIs for absl::Status in GoogleTest.
#ifndef TINY_TESTING_STATUS_MATCHERS_H_
#define TINY_TESTING_STATUS_MATCHERS_H_

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tiny::testing {

inline const absl::Status& ToStatus(const absl::Status& status) { return status; }
template <typename T>
const absl::Status& ToStatus(const absl::StatusOr<T>& result) {
  return result.status();
}

MATCHER(IsOk, "is ok") {
  *result_listener << ToStatus(arg).ToString();
  return ToStatus(arg).ok();
}

// A status of that code whose message matches: StatusIs(kNotFound, HasSubstr("name")).
MATCHER_P2(StatusIs, code, message, "") {
  *result_listener << ToStatus(arg).ToString();
  return ToStatus(arg).code() == code &&
         ::testing::Matches(message)(std::string(ToStatus(arg).message()));
}
MATCHER_P(StatusIs, code, "") {
  *result_listener << ToStatus(arg).ToString();
  return ToStatus(arg).code() == code;
}

}  // namespace tiny::testing

#define EXPECT_OK(expression) EXPECT_THAT(expression, ::tiny::testing::IsOk())
#define ASSERT_OK(expression) ASSERT_THAT(expression, ::tiny::testing::IsOk())

#define TINY_TEST_CONCAT_INNER(a, b) a##b
#define TINY_TEST_CONCAT(a, b) TINY_TEST_CONCAT_INNER(a, b)
#define ASSERT_OK_AND_ASSIGN(target, expression) \
  TINY_ASSERT_OK_AND_ASSIGN(TINY_TEST_CONCAT(tiny_result_, __LINE__), target, expression)
#define TINY_ASSERT_OK_AND_ASSIGN(result, target, expression) \
  auto result = (expression);                                 \
  ASSERT_OK(result);                                          \
  target = *std::move(result)

#endif  // TINY_TESTING_STATUS_MATCHERS_H_
