// The id of a container: 64 lower-case hexadecimal digits, shown as the first 12.
//
//   ASSIGN_OR_RETURN(const ContainerId id, ContainerId::Generate());
//   printf("%s\n", id.Short().c_str());
//
// There is no other way to get one than Generate and Parse, so a ContainerId is always safe as a
// file name. A value type; thread-compatible.
#ifndef TINY_STATE_CONTAINER_ID_H_
#define TINY_STATE_CONTAINER_ID_H_

#include <compare>
#include <cstddef>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tiny::state {

class ContainerId {
 public:
  static constexpr size_t kLength = 64;
  static constexpr size_t kShortLength = 12;

  // The short form is never all digits, since it also serves as the
  // container's hostname and as the tail of interface names.
  static absl::StatusOr<ContainerId> Generate();

  // kInvalidArgument unless `text` is exactly 64 of [0-9a-f].
  static absl::StatusOr<ContainerId> Parse(absl::string_view text);

  // True for 1 to 64 of [0-9a-f]: what may select a container by the beginning of its id.
  static bool IsPrefix(absl::string_view text);

  const std::string& value() const { return value_; }
  std::string Short() const { return value_.substr(0, kShortLength); }

  bool operator==(const ContainerId&) const = default;
  auto operator<=>(const ContainerId&) const = default;

 private:
  explicit ContainerId(std::string value) : value_(std::move(value)) {}
  std::string value_;
};

}  // namespace tiny::state

#endif  // TINY_STATE_CONTAINER_ID_H_
