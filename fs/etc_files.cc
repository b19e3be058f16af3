#include "fs/etc_files.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"

namespace tiny::fs {
namespace {

// A word of such a file: no blank, no line break, no comment.
bool IsWord(absl::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return c > ' ' && c != 0x7f && c != '#';
  });
}

absl::Status CheckWord(absl::string_view text, absl::string_view what) {
  if (IsWord(text)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(what, " \"", absl::CEscape(text), "\" is not one word"));
}

bool IsLoopback(absl::string_view server) {
  return absl::StartsWith(server, "127.") || server == "::1" || absl::StartsWith(server, "::1%");
}

bool IsHostname(absl::string_view name) {
  return !name.empty() && name.size() <= 64 && name[0] != '-' &&
         std::all_of(name.begin(), name.end(), [](unsigned char c) {
           return absl::ascii_isalnum(c) || c == '-' || c == '.' || c == '_';
         });
}

}  // namespace

absl::StatusOr<std::string> RenderHosts(const std::vector<HostsEntry>& entries) {
  std::string text =
      "127.0.0.1\tlocalhost\n"
      "::1\tlocalhost ip6-localhost ip6-loopback\n"
      "fe00::0\tip6-localnet\n"
      "ff00::0\tip6-mcastprefix\n"
      "ff02::1\tip6-allnodes\n"
      "ff02::2\tip6-allrouters\n";
  for (const HostsEntry& entry : entries) {
    RETURN_IF_ERROR(CheckWord(entry.address, "address"));
    if (entry.names.empty()) continue;
    for (const std::string& name : entry.names) RETURN_IF_ERROR(CheckWord(name, "host name"));
    absl::StrAppend(&text, entry.address, "\t", absl::StrJoin(entry.names, " "), "\n");
  }
  return text;
}

absl::StatusOr<std::string> RenderHostname(absl::string_view hostname) {
  if (!IsHostname(hostname)) {
    return absl::InvalidArgumentError(
        absl::StrCat("invalid hostname \"", absl::CEscape(hostname), "\""));
  }
  return absl::StrCat(hostname, "\n");
}

ResolverConfig ParseResolvConf(absl::string_view text) {
  ResolverConfig config;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    // A comment begins with '#' or ';' in the first column; in practice also further on.
    line = line.substr(0, line.find_first_of("#;"));
    const std::vector<std::string> words =
        absl::StrSplit(line, absl::ByAnyChar(" \t\r"), absl::SkipEmpty());
    if (words.size() < 2) continue;
    if (words[0] == "nameserver") {
      config.servers.push_back(words[1]);
    } else if (words[0] == "search" || words[0] == "domain") {
      config.search.assign(words.begin() + 1, words.end());  // the last one counts
    } else if (words[0] == "options") {
      config.options.insert(config.options.end(), words.begin() + 1, words.end());
    }
  }
  return config;
}

absl::StatusOr<std::string> RenderResolvConf(const ResolverConfig& config) {
  std::string text;
  for (const std::string& server : config.servers) {
    RETURN_IF_ERROR(CheckWord(server, "name server"));
    absl::StrAppend(&text, "nameserver ", server, "\n");
  }
  for (const std::string& domain : config.search) RETURN_IF_ERROR(CheckWord(domain, "domain"));
  if (!config.search.empty()) {
    absl::StrAppend(&text, "search ", absl::StrJoin(config.search, " "), "\n");
  }
  for (const std::string& option : config.options) {
    RETURN_IF_ERROR(CheckWord(option, "resolver option"));
  }
  if (!config.options.empty()) {
    absl::StrAppend(&text, "options ", absl::StrJoin(config.options, " "), "\n");
  }
  return text;
}

bool OnlyLoopbackServers(const ResolverConfig& config) {
  return !config.servers.empty() &&
         std::all_of(config.servers.begin(), config.servers.end(),
                     [](const std::string& server) { return IsLoopback(server); });
}

ResolverConfig ResolveForContainer(const ResolverRequest& request) {
  ResolverConfig config = ParseResolvConf(request.host_resolv_conf);
  if (!request.host_network) {
    if (OnlyLoopbackServers(config) && !request.systemd_resolv_conf.empty()) {
      config.servers = ParseResolvConf(request.systemd_resolv_conf).servers;
    }
    config.servers.erase(std::remove_if(config.servers.begin(), config.servers.end(),
                                        [](const std::string& s) { return IsLoopback(s); }),
                         config.servers.end());
    if (config.servers.empty()) config.servers = {"8.8.8.8", "8.8.4.4"};
  }
  if (!request.overrides.servers.empty()) config.servers = request.overrides.servers;
  if (!request.overrides.search.empty()) config.search = request.overrides.search;
  if (config.search == std::vector<std::string>{"."}) config.search.clear();
  if (!request.overrides.options.empty()) config.options = request.overrides.options;
  return config;
}

}  // namespace tiny::fs
