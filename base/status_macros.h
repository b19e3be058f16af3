// RETURN_IF_ERROR and ASSIGN_OR_RETURN, which the Abseil of Debian 12 lacks.
#ifndef TINY_BASE_STATUS_MACROS_H_
#define TINY_BASE_STATUS_MACROS_H_

#include <utility>

#include "absl/base/optimization.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"

#define TINY_STATUS_CONCAT_INNER(a, b) a##b
#define TINY_STATUS_CONCAT(a, b) TINY_STATUS_CONCAT_INNER(a, b)

// Returns from the enclosing function with the status of `expression` unless it is ok.
#define RETURN_IF_ERROR(expression)                                                       \
  do {                                                                                    \
    if (absl::Status tiny_status = (expression); ABSL_PREDICT_FALSE(!tiny_status.ok())) { \
      return tiny_status;                                                                 \
    }                                                                                     \
  } while (false)

// ASSIGN_OR_RETURN(const UniqueFd fd, Open(path));
#define ASSIGN_OR_RETURN(target, expression) \
  TINY_ASSIGN_OR_RETURN(TINY_STATUS_CONCAT(tiny_status_or_, __LINE__), target, expression)

#define TINY_ASSIGN_OR_RETURN(result, target, expression)                  \
  auto result = (expression);                                              \
  if (ABSL_PREDICT_FALSE(!result.ok())) return std::move(result).status(); \
  target = *std::move(result)

#endif  // TINY_BASE_STATUS_MACROS_H_
