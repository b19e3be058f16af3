// The small files of procfs, sysfs and cgroupfs: a number, a list, one line.
//
// The kernel writes such a file out whole, so that one read(2) has it all. Those of many records,
// such as mountinfo, come in pieces: for them there is ReadFile of base/files.h. Thread-safe.
#ifndef TINY_BASE_VALUE_FILE_H_
#define TINY_BASE_VALUE_FILE_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tiny {

// PosixStatus with the path; kOutOfRange for 4096 bytes and more.
absl::StatusOr<std::string> ReadValue(absl::string_view path);
absl::StatusOr<std::string> ReadValueAt(int directory, absl::string_view path);

}  // namespace tiny

#endif  // TINY_BASE_VALUE_FILE_H_
