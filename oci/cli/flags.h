// Flags of a command line as runc, crun and their callers write them: "--name value",
// "--name=value", "-n value", "-abc".
//
//   Flags flags;
//   flags.Add({"bundle", 'b', "the folder of the bundle", &bundle});
//   flags.Add({"detach", 'd', "do not wait", &detach});
//   ASSIGN_OR_RETURN(const std::vector<std::string> operands, flags.Parse(args, true));
//
// Parsing touches only what is there: no tables are built. Thread-compatible.
#ifndef TINY_OCI_CLI_FLAGS_H_
#define TINY_OCI_CLI_FLAGS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace tiny::oci {

struct Flag {
  const char* name;  // without the dashes
  char letter;       // or '\0'
  const char* help;
  std::variant<bool*, std::optional<bool>*, std::string*, std::optional<int64_t>*,
               std::vector<std::string>*>
      target;
};

class Flags {
 public:
  void Add(const Flag& flag) { flags_.push_back(flag); }

  // The operands. With `mixed` flags may follow them; else the first operand ends the flags, as
  // what follows is a program's command line. "--" always does. kInvalidArgument names the flag;
  // kCancelled where -h or --help is there and no flag of the caller's: the message is Help().
  absl::StatusOr<std::vector<std::string>> Parse(absl::Span<const char* const> arguments,
                                                 bool mixed) const;

  // One line for each flag; empty where there are none.
  std::string Help() const;

 private:
  const Flag* Find(absl::string_view name) const;
  const Flag* Find(char letter) const;

  std::vector<Flag> flags_;
};

}  // namespace tiny::oci

#endif  // TINY_OCI_CLI_FLAGS_H_
