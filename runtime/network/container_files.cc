#include "runtime/network/container_files.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/files.h"

namespace tiny::runtime {
namespace {

constexpr char kSystemdUpstream[] = "/run/systemd/resolve/resolv.conf";

bool IsLoopback(const std::string& server) {
  auto address = net::ParseIpAddress(server.substr(0, server.find('%')));
  return address.ok() && address->IsLoopback();
}

std::string Line(absl::string_view keyword, const std::vector<std::string>& words) {
  return words.empty() ? "" : absl::StrCat(keyword, " ", absl::StrJoin(words, " "), "\n");
}

void AddExtraHosts(const state::ContainerConfig& config, absl::string_view host_gateway,
                   std::string& text) {
  for (const std::string& extra : config.extra_hosts) {
    const size_t separator = extra.find_first_of(":=");
    if (separator == std::string::npos) continue;
    absl::string_view address = absl::string_view(extra).substr(separator + 1);
    if (address == "host-gateway") address = host_gateway;
    if (address.size() > 2 && address.front() == '[' && address.back() == ']') {
      address = address.substr(1, address.size() - 2);
    }
    if (!address.empty()) absl::StrAppend(&text, address, "\t", extra.substr(0, separator), "\n");
  }
}

}  // namespace

ResolverConfig ParseResolvConf(absl::string_view text) {
  ResolverConfig config;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    // A comment starts in the first column, or anywhere after a blank.
    if (line.empty() || line[0] == '#' || line[0] == ';') continue;
    line = line.substr(0, line.find_first_of("#;"));
    std::vector<std::string> words =
        absl::StrSplit(line, absl::ByAnyChar(" \t\r"), absl::SkipEmpty());
    if (words.size() < 2) continue;
    const std::string keyword = std::move(words[0]);
    words.erase(words.begin());
    if (keyword == "nameserver") {
      config.servers.push_back(std::move(words[0]));
    } else if (keyword == "search" || keyword == "domain") {
      // The last of these lines wins.
      config.search = std::move(words);
    } else if (keyword == "options") {
      config.options.insert(config.options.end(), words.begin(), words.end());
    }
  }
  return config;
}

ResolverConfig ReadHostResolvConf(const std::string& path) {
  auto text = ReadFile(path);
  ResolverConfig config = ParseResolvConf(text.ok() ? *text : "");
  const bool only_stub =
      std::all_of(config.servers.begin(), config.servers.end(),
                  [](const std::string& server) { return server == "127.0.0.53"; });
  if (!only_stub) return config;
  auto upstream = ReadFile(kSystemdUpstream);
  if (!upstream.ok()) return config;
  ResolverConfig real = ParseResolvConf(*upstream);
  return real.servers.empty() ? config : real;
}

std::string MakeResolvConf(const state::ContainerConfig& config, const ResolverConfig& host,
                           bool has_resolver) {
  std::vector<std::string> servers = config.dns;
  if (servers.empty()) {
    std::copy_if(host.servers.begin(), host.servers.end(), std::back_inserter(servers),
                 [](const std::string& server) { return !IsLoopback(server); });
  }
  if (servers.empty())
    for (const absl::string_view server : kPublicServers) servers.emplace_back(server);
  if (has_resolver) servers = {std::string(kResolverAddress)};
  std::vector<std::string> search = config.dns_search.empty() ? host.search : config.dns_search;
  // Docker's way to say that there is none.
  if (search == std::vector<std::string>{"."}) search.clear();
  std::vector<std::string> options = config.dns_options.empty() ? host.options : config.dns_options;
  if (has_resolver && config.dns_options.empty()) options.push_back("ndots:0");
  std::string text;
  for (const std::string& server : servers) absl::StrAppend(&text, "nameserver ", server, "\n");
  absl::StrAppend(&text, Line("search", search), Line("options", options));
  return text;
}

std::string MakeHostsFile(const state::ContainerConfig& config,
                          const std::vector<state::NetworkEndpoint>& endpoints,
                          absl::string_view host_gateway) {
  std::string text =
      "127.0.0.1\tlocalhost\n"
      "::1\tlocalhost ip6-localhost ip6-loopback\n"
      "fe00::\tip6-localnet\n"
      "ff00::\tip6-mcastprefix\n"
      "ff02::1\tip6-allnodes\n"
      "ff02::2\tip6-allrouters\n";
  AddExtraHosts(config, host_gateway, text);
  const std::string hostname = config.hostname.empty() ? config.id.substr(0, 12) : config.hostname;
  const std::string names = config.domainname.empty()
                                ? hostname
                                : absl::StrCat(hostname, ".", config.domainname, " ", hostname);
  if (endpoints.empty()) return absl::StrCat(text, "127.0.1.1\t", names, "\n");
  for (const state::NetworkEndpoint& endpoint : endpoints) {
    if (!endpoint.ip.empty()) absl::StrAppend(&text, endpoint.ip, "\t", names, "\n");
    if (!endpoint.ip6.empty()) absl::StrAppend(&text, endpoint.ip6, "\t", names, "\n");
  }
  return text;
}

std::string MakeResolvConfOfHost(const state::ContainerConfig& config, absl::string_view host) {
  if (config.dns.empty() && config.dns_search.empty() && config.dns_options.empty()) {
    return std::string(host);
  }
  state::ContainerConfig complete = config;
  const ResolverConfig own = ParseResolvConf(host);
  if (complete.dns.empty()) complete.dns = own.servers;
  return MakeResolvConf(complete, own, /*has_resolver=*/false);
}

std::string MakeHostsFileOfHost(const state::ContainerConfig& config, absl::string_view host) {
  std::string text(host);
  if (!text.empty() && text.back() != '\n') text += '\n';
  AddExtraHosts(config, "127.0.0.1", text);
  if (!config.hostname.empty()) absl::StrAppend(&text, "127.0.1.1\t", config.hostname, "\n");
  return text;
}

}  // namespace tiny::runtime
