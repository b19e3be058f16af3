// The options of run and create for the network.
#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "cli/container_flags.h"
#include "cli/flag_parsers/addresses.h"
#include "cli/flag_parsers/csv.h"
#include "cli/flag_parsers/ports.h"

namespace tiny::cli {
namespace {

using Flags = ContainerFlags;

absl::Status SetIp(bool valid, absl::string_view value, std::string* field) {
  if (!valid) return absl::InvalidArgumentError(absl::StrCat("invalid address \"", value, "\""));
  *field = std::string(value);
  return absl::OkStatus();
}

// In resolv.conf a space would begin another word, and a newline another line.
absl::Status AddResolverWord(absl::string_view value, std::vector<std::string>* words) {
  const bool is_word = !value.empty() && std::all_of(value.begin(), value.end(), [](char c) {
    return absl::ascii_isgraph(static_cast<unsigned char>(c));
  });
  if (!is_word) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", absl::CEscape(value), "\" is not one word of resolv.conf"));
  }
  words->emplace_back(value);
  return absl::OkStatus();
}

absl::Status SetHostname(absl::string_view value, std::string* field) {
  *field = std::string(value);
  return value.empty() ? absl::OkStatus() : CheckHostname(value);  // empty: not set
}

absl::Status AddNetwork(Flags& flags, absl::string_view value) {
  return Append(ParseNetwork(value), &flags.config.networks);
}

constexpr Option kOptions[] = {
    {'p', "publish", "[[ip:]host:]port", "Publish a port or a range of them",
     Apply<[](Flags& f, absl::string_view v) {
       return AppendAll(ParsePublish(v), &f.config.ports);
     }>},
    {'P', "publish-all", "", "Publish every exposed port at a free port of the host",
     SetIn<&Flags::config, &state::ContainerConfig::publish_all>},
    {0, "expose", "port", "Declare a port that the program listens on",
     Apply<[](Flags& f, absl::string_view v) {
       return AppendAll(ParseExpose(v), &f.config.exposed_ports);
     }>},
    {0, "network", "network",
     "bridge (default), none or isolated (loopback only), host, "
     "container:NAME, or a network's name",
     Apply<[](Flags& f, absl::string_view v) { return AddNetwork(f, v); }>},
    {0, "net", "network", "",
     Apply<[](Flags& f, absl::string_view v) { return AddNetwork(f, v); }>},
    {0, "network-alias", "name", "Another name of it on its network", Set<&Flags::network_aliases>},
    {0, "net-alias", "name", "", Set<&Flags::network_aliases>},
    {0, "ip", "address", "Its IPv4 address",
     Apply<[](Flags& f, absl::string_view v) { return SetIp(IsIpv4Address(v), v, &f.ip); }>},
    {0, "ip6", "address", "Its IPv6 address",
     Apply<[](Flags& f, absl::string_view v) { return SetIp(IsIpv6Address(v), v, &f.ip6); }>},
    {0, "mac-address", "address", "Its Ethernet address", Apply<[](Flags& f, absl::string_view v) {
       return Store(ParseMacAddress(v), &f.mac_address);
     }>},
    {'h', "hostname", "name", "Its host name",
     Apply<[](Flags& f, absl::string_view v) { return SetHostname(v, &f.config.hostname); }>},
    {0, "domainname", "name", "Its NIS domain name",
     Apply<[](Flags& f, absl::string_view v) { return SetHostname(v, &f.config.domainname); }>},
    {0, "dns", "ip", "Name server", Apply<[](Flags& f, absl::string_view v) {
       f.config.dns.emplace_back();
       return SetIp(IsIpAddress(v), v, &f.config.dns.back());
     }>},
    {0, "dns-search", "domain", "Search domain; \".\" for none",
     Apply<[](Flags& f, absl::string_view v) { return AddResolverWord(v, &f.config.dns_search); }>},
    {0, "dns-option", "option", "Option of resolv.conf(5)",
     Apply<[](Flags& f, absl::string_view v) {
       return AddResolverWord(v, &f.config.dns_options);
     }>},
    {0, "dns-opt", "option", "", Apply<[](Flags& f, absl::string_view v) {
       return AddResolverWord(v, &f.config.dns_options);
     }>},
    {0, "add-host", "name:ip", "Line of /etc/hosts; host-gateway for the host's address",
     Apply<[](Flags& f, absl::string_view v) {
       return Append(ParseAddHost(v), &f.config.extra_hosts);
     }>},
};

}  // namespace

constinit const OptionGroup kNetworkOptions = {"Network", kOptions};

}  // namespace tiny::cli
