#include "cli/context.h"

#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/posix_status.h"
#include "cli/suggest.h"

namespace tiny::cli {

absl::StatusOr<runtime::Engine*> Context::Engine() {
  if (engine == nullptr) {
    absl::StatusOr<std::unique_ptr<runtime::Engine>> opened = open_engine(options);
    if (!opened.ok()) return opened.status();
    engine = *std::move(opened);
  }
  return engine.get();
}

absl::StatusOr<std::unique_ptr<runtime::NetworkManager>> Context::Networks() const {
  if (open_networks == nullptr) return absl::UnimplementedError("there are no networks here");
  runtime::NetworkManagerOptions network_options;
  network_options.root = options.root;
  network_options.run_root = options.run_root;
  network_options.note = [this](absl::string_view text) {
    err.Print("tiny: note: ", Printable(text), "\n");
  };
  return open_networks(std::move(network_options));
}

absl::Status Context::ExplainMissing(absl::Status status, absl::string_view reference) {
  // Other things may not be found, too: a file, a program, a user.
  if (!absl::IsNotFound(status) || engine == nullptr ||
      !absl::StartsWith(status.message(), "no such container")) {
    return status;
  }
  const absl::StatusOr<std::vector<runtime::Container>> all = engine->List(nullptr);
  if (!all.ok()) return status;
  std::vector<absl::string_view> names;
  for (const runtime::Container& each : *all) names.push_back(each.config.name);
  const absl::string_view nearest = NearestName(reference, names);
  if (nearest.empty()) return status;
  return WithHint(std::move(status), absl::StrCat("did you mean ", nearest, "?"));
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
