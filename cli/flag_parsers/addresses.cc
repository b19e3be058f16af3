#include "cli/flag_parsers/addresses.h"

#include <arpa/inet.h>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"
#include "cli/flag_parsers/csv.h"

namespace tiny::cli {
namespace {

absl::Status InvalidAddress(absl::string_view text, absl::string_view kind) {
  return absl::InvalidArgumentError(absl::StrCat("invalid ", kind, " address \"", text, "\""));
}

absl::Status SetField(const KeyValue& field, state::NetworkAttachment* attachment) {
  if (field.key == "name") {
    attachment->network = field.value;
  } else if (field.key == "alias") {
    attachment->aliases.push_back(field.value);
  } else if (field.key == "ip") {
    if (!IsIpv4Address(field.value)) return InvalidAddress(field.value, "IPv4");
    attachment->ip = field.value;
  } else if (field.key == "ip6") {
    if (!IsIpv6Address(field.value)) return InvalidAddress(field.value, "IPv6");
    attachment->ip6 = field.value;
  } else if (field.key == "mac-address") {
    ASSIGN_OR_RETURN(attachment->mac_address, ParseMacAddress(field.value));
  } else if (field.key == "driver-opt" || field.key == "link-local-ip" ||
             field.key == "gw-priority") {
    return absl::InvalidArgumentError(absl::StrCat("field ", field.key, " is not supported"));
  } else {
    return absl::InvalidArgumentError(absl::StrCat("unknown field \"", field.key, "\""));
  }
  return absl::OkStatus();
}

absl::Status CheckNetworkName(const std::string& name) {
  if (absl::StartsWith(name, "container:")) {
    if (name.size() > absl::string_view("container:").size()) return absl::OkStatus();
    return absl::InvalidArgumentError("container: needs the name of a container");
  }
  if (IsName(name)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("invalid network name \"", name, "\""));
}

}  // namespace

bool IsIpv4Address(absl::string_view text) {
  in_addr address;
  return inet_pton(AF_INET, std::string(text).c_str(), &address) == 1;
}

bool IsIpv6Address(absl::string_view text) {
  in6_addr address;
  return inet_pton(AF_INET6, std::string(text).c_str(), &address) == 1;
}

bool IsIpAddress(absl::string_view text) { return IsIpv4Address(text) || IsIpv6Address(text); }

absl::StatusOr<std::string> ParseMacAddress(absl::string_view text) {
  const std::string mac = absl::AsciiStrToLower(text);
  bool valid = mac.size() == 17;
  for (size_t i = 0; valid && i < mac.size(); ++i) {
    valid = i % 3 == 2 ? mac[i] == ':' || mac[i] == '-' : absl::ascii_isxdigit(mac[i]) != 0;
  }
  if (!valid) return InvalidAddress(text, "MAC");
  const int low_nibble = mac[1] <= '9' ? mac[1] - '0' : mac[1] - 'a' + 10;
  if (low_nibble & 1) {
    return absl::InvalidArgumentError(absl::StrCat("\"", text, "\" is a multicast address"));
  }
  std::string result = mac;
  for (size_t i = 2; i < result.size(); i += 3) result[i] = ':';
  return result;
}

absl::StatusOr<state::NetworkAttachment> ParseNetwork(absl::string_view text) {
  state::NetworkAttachment attachment;
  if (absl::StrContains(text, '=')) {
    ASSIGN_OR_RETURN(const std::vector<KeyValue> fields, SplitKeyValues(text));
    for (const KeyValue& field : fields) RETURN_IF_ERROR(SetField(field, &attachment));
  } else {
    attachment.network = std::string(text);
  }
  if (attachment.network.empty()) return absl::InvalidArgumentError("no network is named");
  if (attachment.network == "isolated") attachment.network = "none";
  if (attachment.network == "default") attachment.network = "bridge";
  RETURN_IF_ERROR(CheckNetworkName(attachment.network));
  return attachment;
}

absl::StatusOr<std::string> ParseAddHost(absl::string_view text) {
  const size_t separator = text.find_first_of(":=");
  if (separator == absl::string_view::npos || separator == 0) {
    return absl::InvalidArgumentError(absl::StrCat("\"", text, "\" is not of the form NAME:IP"));
  }
  absl::string_view address = text.substr(separator + 1);
  if (absl::StartsWith(address, "[") && absl::EndsWith(address, "]")) {
    address = address.substr(1, address.size() - 2);
  }
  if (address != "host-gateway" && !IsIpAddress(address)) return InvalidAddress(address, "IP");
  const absl::string_view name = text.substr(0, separator);
  for (const char c : name) {
    if (absl::ascii_isspace(c) || absl::ascii_iscntrl(c) || c == '#') {
      return absl::InvalidArgumentError(absl::StrCat("invalid host name \"", name, "\""));
    }
  }
  return absl::StrCat(name, ":", address);
}

absl::Status CheckHostname(absl::string_view text) {
  bool valid = !text.empty() && text.size() <= 63 && text[0] != '-' && text[0] != '.';
  for (const char c : text) {
    valid = valid && (absl::ascii_isalnum(c) || c == '-' || c == '_' || c == '.');
  }
  if (valid) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("invalid host name \"", text.substr(0, 80),
                   "\": want at most 63 letters, digits, dots and dashes"));
}

}  // namespace tiny::cli
