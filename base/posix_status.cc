#include "base/posix_status.h"

#include <string.h>

#include <cctype>

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace tiny {
namespace {

constexpr char kErrnoUrl[] = "tiny/errno";
constexpr char kHintUrl[] = "tiny/hint";

}  // namespace

std::string ErrnoName(int error_number) {
  const char* name = strerrorname_np(error_number);
  return name != nullptr ? name : absl::StrCat("E", error_number);
}

absl::Status PosixStatus(int error_number, absl::string_view what) {
  std::string reason =
      strerrordesc_np(error_number) != nullptr ? strerrordesc_np(error_number) : "unknown error";
  reason[0] = static_cast<char>(tolower(static_cast<unsigned char>(reason[0])));
  absl::Status status(absl::ErrnoToStatusCode(error_number),
                      absl::StrCat(what, ": ", reason, " (", ErrnoName(error_number), ")"));
  status.SetPayload(kErrnoUrl, absl::Cord(absl::StrCat(error_number)));
  return status;
}

std::optional<int> GetErrno(const absl::Status& status) {
  int error_number = 0;
  if (auto payload = status.GetPayload(kErrnoUrl);
      payload.has_value() && absl::SimpleAtoi(std::string(*payload), &error_number)) {
    return error_number;
  }
  return std::nullopt;
}

absl::Status WithHint(absl::Status status, absl::string_view hint) {
  if (!status.ok() && !status.GetPayload(kHintUrl).has_value()) {
    status.SetPayload(kHintUrl, absl::Cord(hint));
  }
  return status;
}

std::string GetHint(const absl::Status& status) {
  auto payload = status.GetPayload(kHintUrl);
  return payload.has_value() ? std::string(*payload) : "";
}

absl::Status Annotate(const absl::Status& status, absl::string_view context) {
  if (status.ok()) return status;
  absl::Status annotated(status.code(), absl::StrCat(context, ": ", status.message()));
  status.ForEachPayload([&annotated](absl::string_view url, const absl::Cord& payload) {
    annotated.SetPayload(url, payload);
  });
  return annotated;
}

}  // namespace tiny
