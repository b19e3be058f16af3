// Compiled seccomp programs, kept on disk by the text that they were made from.
//
//   std::optional<KnownProgram> known = FindProgram(profile, directory);
//   if (!known) KeepProgram(profile, known.emplace(Compile(profile)), directory);
//
// Nobody but root may be able to write to the directory: what is read is trusted to be a program
// for the text. Several processes may share it. Thread-safe.
#ifndef TINY_SECURITY_SECCOMP_PROGRAM_CACHE_H_
#define TINY_SECURITY_SECCOMP_PROGRAM_CACHE_H_

#include <cstddef>
#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"
#include "security/seccomp/compiler.h"

namespace tiny::security {

struct KnownProgram {
  Program program;
  uint64_t flags = 0;  // SECCOMP_FILTER_FLAG_*
};

// Nothing where there is none, or one that is damaged or of another version of the compiler.
std::optional<KnownProgram> FindProgram(absl::string_view text, absl::string_view directory);

// Of so many the directory is emptied before one more is kept.
inline constexpr size_t kMostPrograms = 256;

// Written atomically, to a directory that is made where it is missing. One that can't be written
// to is no error: the next one compiles again.
void KeepProgram(absl::string_view text, const KnownProgram& known, absl::string_view directory);

}  // namespace tiny::security

#endif  // TINY_SECURITY_SECCOMP_PROGRAM_CACHE_H_
