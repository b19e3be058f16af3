#include "cli/context.h"

#include "base/posix_status.h"

namespace tiny::cli {

absl::StatusOr<runtime::Engine*> Context::Engine() {
  if (engine == nullptr) {
    absl::StatusOr<std::unique_ptr<runtime::Engine>> opened = open_engine(options);
    if (!opened.ok()) return opened.status();
    engine = *std::move(opened);
  }
  return engine.get();
}

void Context::PrintError(const absl::Status& status) {
  out.Flush();
  err.Print("tiny: ", Printable(status.message(), /*keep_lines=*/true), "\n");
  const std::string hint = GetHint(status);
  if (!hint.empty()) err.Print("hint: ", Printable(hint, /*keep_lines=*/true), "\n");
  err.Flush();
}

void Context::PrintWarning(absl::string_view text) {
  err.Print("tiny: warning: ", Printable(text), "\n");
}

}  // namespace tiny::cli
