#include "runtime/network/driver_options.h"

#include <algorithm>
#include <iterator>
#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/posix_status.h"
#include "net/ip_address.h"

namespace tiny::runtime {
namespace {

enum class Kind {
  kChecked,  // where it is used
  kSwitch,
  kAddress4,
  kOnly,  // has one value that changes nothing: the others are not supported
};

struct KnownOption {
  absl::string_view driver;
  absl::string_view key;
  Kind kind;
  absl::string_view only = "";
};

constexpr KnownOption kKnownOptions[] = {
    {"bridge", kBridgeNameOption, Kind::kChecked},
    {"bridge", kMtuOption, Kind::kChecked},
    {"bridge", kMasqueradeOption, Kind::kSwitch},
    {"bridge", kConnectivityOption, Kind::kSwitch},
    {"bridge", kHostBindingOption, Kind::kAddress4},
    {"bridge", "com.docker.network.bridge.gateway_mode_ipv4", Kind::kOnly, "nat"},
    {"bridge", "com.docker.network.bridge.gateway_mode_ipv6", Kind::kOnly, "nat"},
    {"bridge", "com.docker.network.bridge.inhibit_ipv4", Kind::kOnly, "false"},
    {"macvlan", kParentOption, Kind::kChecked},
    {"macvlan", kMtuOption, Kind::kChecked},
    {"macvlan", "macvlan_mode", Kind::kOnly, "bridge"},
};

// As Docker reads it.
std::optional<bool> ParseSwitch(absl::string_view text) {
  for (const absl::string_view yes : {"1", "t", "true"}) {
    if (absl::EqualsIgnoreCase(text, yes)) return true;
  }
  for (const absl::string_view no : {"0", "f", "false"}) {
    if (absl::EqualsIgnoreCase(text, no)) return false;
  }
  return std::nullopt;
}

absl::Status UnknownOption(absl::string_view driver, absl::string_view key) {
  std::string known;
  for (const KnownOption& option : kKnownOptions) {
    if (option.driver != driver || option.kind == Kind::kOnly) continue;
    absl::StrAppend(&known, known.empty() ? "" : ", ", option.key);
  }
  return WithHint(absl::InvalidArgumentError(
                      absl::StrCat("the driver ", driver, " has no option \"", key, "\"")),
                  absl::StrCat("It has ", known, ". What is only to be found again is a --label."));
}

absl::Status CheckOption(const KnownOption& known, const std::string& value) {
  const std::string text = absl::StrCat("option ", known.key, "=", value);
  switch (known.kind) {
    case Kind::kChecked:
      return absl::OkStatus();
    case Kind::kSwitch:
      if (ParseSwitch(value).has_value()) return absl::OkStatus();
      return absl::InvalidArgumentError(absl::StrCat(text, ": neither true nor false"));
    case Kind::kAddress4:
      if (const auto address = net::ParseIpAddress(value); address.ok() && address->is_v4()) {
        return absl::OkStatus();
      }
      return absl::InvalidArgumentError(absl::StrCat(text, ": not an IPv4 address"));
    case Kind::kOnly:
      if (absl::EqualsIgnoreCase(value, known.only)) return absl::OkStatus();
      return absl::UnimplementedError(absl::StrCat(text, " is not supported: only ", known.only));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckDriverOptions(const Network& network) {
  for (const auto& [key, value] : network.options) {
    const auto known = std::find_if(std::begin(kKnownOptions), std::end(kKnownOptions),
                                    [&network, &key = key](const KnownOption& option) {
                                      return option.driver == network.driver && option.key == key;
                                    });
    absl::Status status = known == std::end(kKnownOptions) ? UnknownOption(network.driver, key)
                                                           : CheckOption(*known, value);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

std::string DriverOption(const Network& network, absl::string_view key) {
  const auto found = network.options.find(std::string(key));
  return found == network.options.end() ? std::string() : found->second;
}

bool IsOn(const Network& network, absl::string_view key) {
  return ParseSwitch(DriverOption(network, key)).value_or(true);
}

}  // namespace tiny::runtime
