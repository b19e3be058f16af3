// -e, --env-file, --label and --label-file. Pure functions, thread-safe; errors are
// kInvalidArgument.
#ifndef TINY_CLI_FLAG_PARSERS_ENVIRONMENT_H_
#define TINY_CLI_FLAG_PARSERS_ENVIRONMENT_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tiny::cli {

// The value of a variable of the user's own environment.
using EnvLookup = absl::FunctionRef<std::optional<std::string>(absl::string_view name)>;

// Sets "NAME=value" in `env` in place of an earlier one of that name.
void SetEnv(absl::string_view assignment, std::vector<std::string>* env);

// "NAME=value"; or "NAME", which takes the user's value and is left out where there is none.
absl::Status AddEnv(absl::string_view text, EnvLookup lookup, std::vector<std::string>* env);

// A file of such lines: "#" at the start of a line is a comment, blanks before a name are skipped,
// values are taken as they are, quotes included.
absl::Status AddEnvFile(absl::string_view contents, EnvLookup lookup,
                        std::vector<std::string>* env);

// "key=value" or "key".
absl::Status AddLabel(absl::string_view text, std::map<std::string, std::string>* labels);
absl::Status AddLabelFile(absl::string_view contents, std::map<std::string, std::string>* labels);

}  // namespace tiny::cli

#endif  // TINY_CLI_FLAG_PARSERS_ENVIRONMENT_H_
