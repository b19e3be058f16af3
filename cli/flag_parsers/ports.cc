#include "cli/flag_parsers/ports.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "cli/flag_parsers/addresses.h"
#include "cli/flag_parsers/csv.h"

namespace tiny::cli {
namespace {

absl::StatusOr<uint16_t> ParsePort(absl::string_view text) {
  uint32_t port = 0;
  for (const char c : text) {
    if (!absl::ascii_isdigit(c)) {
      return absl::InvalidArgumentError(absl::StrCat("invalid port \"", text, "\""));
    }
  }
  if (!absl::SimpleAtoi(text, &port) || port == 0 || port > 65535) {
    return absl::InvalidArgumentError(absl::StrCat("invalid port \"", text, "\": want 1 to 65535"));
  }
  return static_cast<uint16_t>(port);
}

absl::StatusOr<std::string> ParseProtocol(absl::string_view text) {
  std::string protocol = absl::AsciiStrToLower(text);
  if (protocol != "tcp" && protocol != "udp" && protocol != "sctp") {
    return absl::InvalidArgumentError(
        absl::StrCat("invalid protocol \"", text, "\": want tcp, udp or sctp"));
  }
  return protocol;
}

// The parts of a publication, still as text.
struct Publication {
  absl::string_view ip;
  absl::string_view host;
  absl::string_view container;
  absl::string_view protocol = "tcp";
};

absl::StatusOr<Publication> SplitShortForm(absl::string_view text) {
  Publication parts;
  absl::string_view rest = text;
  if (const size_t slash = rest.rfind('/'); slash != absl::string_view::npos) {
    parts.protocol = rest.substr(slash + 1);
    rest = rest.substr(0, slash);
  }
  const size_t last = rest.rfind(':');
  if (last == absl::string_view::npos || absl::EndsWith(rest, "]")) {
    parts.container = rest;
    return parts;
  }
  parts.container = rest.substr(last + 1);
  rest = rest.substr(0, last);
  const size_t before = rest.rfind(':');
  if (before == absl::string_view::npos) {
    parts.host = rest;
    return parts;
  }
  parts.host = rest.substr(before + 1);
  parts.ip = rest.substr(0, before);
  if (parts.ip.empty()) {
    return absl::InvalidArgumentError("no address before the first colon");
  }
  return parts;
}

absl::StatusOr<std::vector<state::PortMapping>> Expand(const Publication& parts) {
  state::PortMapping mapping;
  if (!parts.ip.empty()) {
    absl::string_view ip = parts.ip;
    if (absl::StartsWith(ip, "[") && absl::EndsWith(ip, "]")) ip = ip.substr(1, ip.size() - 2);
    if (!IsIpAddress(ip)) {
      return absl::InvalidArgumentError(absl::StrCat("invalid address \"", parts.ip, "\""));
    }
    mapping.host_ip = std::string(ip);
  }
  ASSIGN_OR_RETURN(mapping.protocol, ParseProtocol(parts.protocol));
  if (parts.container.empty()) return absl::InvalidArgumentError("no port of the container");
  ASSIGN_OR_RETURN(const PortRange container, ParsePortRange(parts.container));
  PortRange host;
  if (!parts.host.empty() && parts.host != "0") {  // else any that is free
    ASSIGN_OR_RETURN(host, ParsePortRange(parts.host));
    if (container.size() == 1 && host.size() > 1) {
      mapping.host_port = host.first;
      mapping.host_port_end = host.last;
      mapping.container_port = container.first;
      return std::vector<state::PortMapping>{mapping};
    }
    if (host.size() != container.size()) {
      return absl::InvalidArgumentError(absl::StrCat(host.size(), " ports of the host for ",
                                                     container.size(), " of the container"));
    }
  }
  std::vector<state::PortMapping> mappings;
  for (uint32_t i = 0; i < container.size(); ++i) {
    mapping.container_port = static_cast<uint16_t>(container.first + i);
    mapping.host_port = host.first == 0 ? uint16_t{0} : static_cast<uint16_t>(host.first + i);
    mappings.push_back(mapping);
  }
  return mappings;
}

absl::StatusOr<std::vector<state::PortMapping>> ParseLongForm(absl::string_view text) {
  ASSIGN_OR_RETURN(const std::vector<KeyValue> fields, SplitKeyValues(text));
  Publication parts;
  for (const KeyValue& field : fields) {
    if (field.key == "published") {
      parts.host = field.value;
    } else if (field.key == "target") {
      parts.container = field.value;
    } else if (field.key == "protocol") {
      parts.protocol = field.value;
    } else if (field.key == "mode") {
      if (field.value != "host" && field.value != "ingress") {
        return absl::InvalidArgumentError(absl::StrCat("invalid mode \"", field.value, "\""));
      }
    } else {
      return absl::InvalidArgumentError(absl::StrCat("unknown field \"", field.key, "\""));
    }
  }
  return Expand(parts);
}

}  // namespace

absl::StatusOr<PortRange> ParsePortRange(absl::string_view text) {
  const size_t dash = text.find('-');
  PortRange range;
  ASSIGN_OR_RETURN(range.first, ParsePort(text.substr(0, dash)));
  range.last = range.first;
  if (dash == absl::string_view::npos) return range;
  ASSIGN_OR_RETURN(range.last, ParsePort(text.substr(dash + 1)));
  if (range.last < range.first) {
    return absl::InvalidArgumentError(absl::StrCat("port range \"", text, "\" runs backwards"));
  }
  return range;
}

absl::StatusOr<std::vector<state::PortMapping>> ParsePublish(absl::string_view text) {
  if (text.empty()) return absl::InvalidArgumentError("empty port");
  if (absl::StrContains(text, '=')) return ParseLongForm(text);
  ASSIGN_OR_RETURN(const Publication parts, SplitShortForm(text));
  return Expand(parts);
}

absl::StatusOr<std::vector<std::string>> ParseExpose(absl::string_view text) {
  const size_t slash = text.find('/');
  const bool has_protocol = slash != absl::string_view::npos;
  ASSIGN_OR_RETURN(const std::string protocol,
                   ParseProtocol(has_protocol ? text.substr(slash + 1) : "tcp"));
  ASSIGN_OR_RETURN(const PortRange range, ParsePortRange(text.substr(0, slash)));
  std::vector<std::string> ports;
  for (uint32_t port = range.first; port <= range.last; ++port) {
    ports.push_back(absl::StrCat(port, "/", protocol));
  }
  return ports;
}

}  // namespace tiny::cli
