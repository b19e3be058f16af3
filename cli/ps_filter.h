// ps --filter. Thread-compatible.
#ifndef TINY_CLI_PS_FILTER_H_
#define TINY_CLI_PS_FILTER_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "runtime/engine.h"

namespace tiny::cli {

// "key=value" terms: the values of one key are alternatives (labels are not), all keys must hold.
class PsFilter {
 public:
  // kInvalidArgument for a key or value that there is not: keys are id, name, label, label!,
  // status, exited, ancestor, before, since, until, volume, network, publish, expose, health.
  absl::Status Add(absl::string_view term);

  // Looks up the containers that before= and since= name. kNotFound where there is none.
  absl::Status Resolve(runtime::Engine& engine);

  // The names of networks that network= gives by an id; nothing: it is a name as it is.
  void ResolveNetworks(absl::FunctionRef<std::optional<std::string>(const std::string&)> name_of);

  bool Matches(const runtime::Container& container) const;
  bool Has(absl::string_view key) const { return terms_.count(std::string(key)) > 0; }

 private:
  bool MatchesTerm(const std::string& key, const std::string& value,
                   const runtime::Container& container) const;

  std::map<std::string, std::vector<std::string>> terms_;
  std::map<std::string, std::string> network_names_;
  std::map<std::string, absl::Time> moments_;  // of "before=x", "since=x", "until=x"
};

}  // namespace tiny::cli

#endif  // TINY_CLI_PS_FILTER_H_
