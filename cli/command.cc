#include "cli/command.h"

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "base/posix_status.h"
#include "cli/help.h"

namespace tiny::cli {
namespace {

constexpr absl::string_view kUsagePayload = "tiny/usage";

std::string Plural(int count) {
  return absl::StrCat(count, count == 1 ? " argument" : " arguments");
}

absl::Status CheckCount(const Command& command, int count) {
  if (count < command.min_arguments) {
    const absl::string_view at_least =
        command.max_arguments == command.min_arguments ? "" : "at least ";
    return UsageError(
        absl::StrCat(command.name, " needs ", at_least, Plural(command.min_arguments)),
        absl::StrCat("usage: tiny ", command.name, " ", command.usage));
  }
  if (command.max_arguments != Command::kAnyNumber && count > command.max_arguments) {
    return UsageError(command.max_arguments == 0 ? absl::StrCat(command.name, " takes no arguments")
                                                 : absl::StrCat(command.name, " takes at most ",
                                                                Plural(command.max_arguments)),
                      absl::StrCat("usage: tiny ", command.name, " ", command.usage));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status UsageError(absl::string_view message, absl::string_view hint) {
  absl::Status status = absl::InvalidArgumentError(message);
  if (!hint.empty()) status = WithHint(status, hint);
  status.SetPayload(kUsagePayload, absl::Cord("1"));
  return status;
}

bool IsUsageError(const absl::Status& status) {
  return status.GetPayload(kUsagePayload).has_value();
}

absl::StatusOr<ParsedArguments> ParseCommandLine(Context& context, const Command& command,
                                                 Arguments arguments, void* flags) {
  absl::StatusOr<ParsedArguments> parsed =
      ParseOptions(command.options, arguments, command.style, flags);
  if (!parsed.ok()) {
    absl::Status status = Annotate(parsed.status(), command.name);
    status = WithHint(status, absl::StrCat("see tiny ", command.name, " --help"));
    status.SetPayload(kUsagePayload, absl::Cord("1"));
    return status;
  }
  if (parsed->help) {
    PrintHelp(context.out, command);
    return parsed;
  }
  if (absl::Status status = CheckCount(command, static_cast<int>(parsed->positionals.size()));
      !status.ok()) {
    return status;
  }
  return parsed;
}

}  // namespace tiny::cli
