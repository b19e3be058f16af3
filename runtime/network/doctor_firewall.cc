// The doctor's checks of the packet filter and of published ports.
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/posix_status.h"
#include "base/status_macros.h"
#include "net/legacy_iptables.h"
#include "net/nft_list.h"
#include "runtime/network/doctor_checks.h"
#include "runtime/network/firewall.h"
#include "runtime/network/port_publisher.h"
#include "runtime/network/spoof_guard.h"

namespace tiny::runtime {
namespace {

constexpr char kReload[] = "tiny network reload";

bool IsFiltered(const Patient& patient) { return patient.network.driver == "bridge"; }

// True if a rule of the table accepts packets that come from (or with `out`, go to) the interface.
bool Accepts(const std::vector<net::NftRuleInfo>& rules, const std::string& interface, bool out) {
  const uint32_t key = out ? NFT_META_OIFNAME : NFT_META_IIFNAME;
  return std::any_of(rules.begin(), rules.end(), [&](const net::NftRuleInfo& rule) {
    if (rule.verdict() != NF_ACCEPT) return false;
    bool is_interface = false;
    bool matches = false;
    for (const net::NftExpressionInfo& expression : rule.expressions) {
      if (expression.name == "meta") is_interface = expression.key == key;
      if (expression.name != "cmp" || !is_interface) continue;
      matches |= expression.value.substr(0, expression.value.find('\0')) == interface;
    }
    return matches;
  });
}

// The commands that let the bridge's packets pass one of iptables' chains.
std::string AcceptByIptables(absl::string_view program, absl::string_view chain,
                             absl::string_view bridge) {
  const std::string insert = absl::StrCat(program, " -I ", chain);
  return absl::StrCat(insert, " -i ", bridge, " -j ACCEPT; ", insert, " -o ", bridge, " -j ACCEPT");
}

constexpr char kDockerChain[] = "DOCKER-USER";

std::string AcceptCommand(const net::NftChainInfo& chain, const std::string& bridge,
                          const std::vector<net::NftChainInfo>& chains) {
  const bool docker = std::any_of(chains.begin(), chains.end(),
                                  [](const auto& other) { return other.name == kDockerChain; });
  if (docker) return AcceptByIptables("iptables", kDockerChain, bridge);
  const char* const family = chain.table.family == NFPROTO_IPV4   ? "ip"
                             : chain.table.family == NFPROTO_IPV6 ? "ip6"
                                                                  : "inet";
  const std::string rule =
      absl::StrCat("nft insert rule ", family, " ", chain.table.name, " ", chain.name);
  return absl::StrCat(rule, " iifname ", bridge, " accept; ", rule, " oifname ", bridge, " accept");
}

bool Holds(const std::vector<std::string>& list, const std::string& wanted) {
  return std::find(list.begin(), list.end(), wanted) != list.end();
}

// The iptables that nftables does not know of.
Finding CheckLegacyForward(const std::string& bridge) {
  ASSIGN_OR_RETURN(const auto filter, net::ReadLegacyFilter());
  if (!filter || !filter->forward_drops ||
      (Holds(filter->accepts_from, bridge) && Holds(filter->accepts_to, bridge))) {
    return std::nullopt;
  }
  const bool docker = Holds(filter->chains, kDockerChain);
  return Fault{absl::StrCat("the chain FORWARD of the legacy iptables drops what it does not know, "
                            "and ",
                            bridge, " is not known there"),
               AcceptByIptables("iptables-legacy", docker ? kDockerChain : "FORWARD", bridge)};
}

}  // namespace

Finding CheckTable(Patient& patient) {
  if (!IsFiltered(patient)) return std::nullopt;
  ASSIGN_OR_RETURN(const auto summaries,
                   net::SummarizeNftTables(*patient.netfilter,
                                           {{Firewall::Table(), {}}, {SpoofGuard::Table(), {}}}));
  if (!summaries[0]) return Fault{"the nft table inet tiny is gone", kReload};
  ASSIGN_OR_RETURN(const auto condition, Firewall::Examine(*patient.netfilter));
  if (condition != Firewall::Condition::kDamaged || summaries[1]) return std::nullopt;
  return Fault{"the nft table bridge tiny is gone", kReload};
}

// Where the element is missing, nothing of the container passes: its port is known without it.
Finding CheckSpoofGuard(Patient& patient) {
  const auto guarded = GuardedPortOf(patient.config->id, patient.endpoint);
  if (!IsFiltered(patient) || !guarded) return std::nullopt;
  const std::string mac = patient.eth->mac ? net::FormatMacAddress(*patient.eth->mac) : "none";
  if (mac != patient.endpoint.mac_address) {
    return Fault{absl::StrCat(patient.eth->name, " has the MAC address ", mac, ", not ",
                              patient.endpoint.mac_address, ": the host drops what it sends"),
                 patient.Inside(absl::StrCat("link set ", patient.eth->name, " address ",
                                             patient.endpoint.mac_address))};
  }
  const auto summaries = net::SummarizeNftTables(*patient.netfilter, {{SpoofGuard::Table(), {}}});
  RETURN_IF_ERROR(summaries.status());
  if (!summaries->front()) return std::nullopt;  // firewall-table's to say
  for (const Firewall::Entry& entry : SpoofGuard::EntriesOf(*guarded)) {
    ASSIGN_OR_RETURN(const auto elements,
                     net::ListNftElements(*patient.netfilter, SpoofGuard::Table(), entry.set));
    const bool found = std::any_of(elements.begin(), elements.end(), [&](const auto& element) {
      return element.key == entry.element.key;
    });
    if (found) continue;
    return Fault{absl::StrCat(patient.endpoint.host_interface,
                              " is not in the nft set bridge tiny ", entry.set),
                 kReload};
  }
  return std::nullopt;
}

Finding CheckRules(Patient& patient) {
  if (!IsFiltered(patient)) return std::nullopt;
  const auto missing = [&](const std::vector<net::NftRuleInfo>& rules, absl::string_view chain,
                           absl::string_view comment, absl::string_view family) {
    const bool found = std::any_of(rules.begin(), rules.end(), [&](const auto& rule) {
      return rule.chain == chain && rule.comment == comment;
    });
    return found
               ? std::nullopt
               : std::optional<Fault>({absl::StrCat("the rule \"", comment, "\" of the nft chain ",
                                                    family, " tiny ", chain, " is gone"),
                                       kReload});
  };
  ASSIGN_OR_RETURN(const auto rules, net::ListNftRules(*patient.netfilter, Firewall::Table()));
  for (const Firewall::RuleName& expected : Firewall::ExpectedRules()) {
    if (auto fault = missing(rules, expected.chain, expected.comment, "inet")) return fault;
  }
  ASSIGN_OR_RETURN(const auto condition, Firewall::Examine(*patient.netfilter));
  if (condition == Firewall::Condition::kWithoutBridge) return std::nullopt;
  ASSIGN_OR_RETURN(const auto guard, net::ListNftRules(*patient.netfilter, SpoofGuard::Table()));
  for (const absl::string_view comment : SpoofGuard::RuleNames()) {
    if (auto fault = missing(guard, SpoofGuard::kChain, comment, "bridge")) return fault;
  }
  return std::nullopt;
}

Finding CheckNetworkElements(Patient& patient) {
  std::map<absl::string_view, std::set<std::string>> keys;
  for (const Firewall::Entry& entry : Firewall::EntriesOf(patient.network)) {
    auto [found, is_new] = keys.try_emplace(entry.set);
    if (is_new) {
      ASSIGN_OR_RETURN(const auto elements,
                       net::ListNftElements(*patient.netfilter, Firewall::Table(), entry.set));
      for (const net::NftElement& element : elements) found->second.insert(element.key);
    }
    if (found->second.count(entry.element.key) != 0) continue;
    return Fault{absl::StrCat("network ", patient.network.name, " is not in the nft set inet tiny ",
                              entry.set),
                 kReload};
  }
  return std::nullopt;
}

Finding CheckForeignForward(Patient& patient) {
  if (!IsFiltered(patient) || patient.network.internal) return std::nullopt;
  ASSIGN_OR_RETURN(const auto chains, net::ListNftChains(*patient.netfilter));
  const std::string& bridge = patient.network.interface_name;
  for (const net::NftChainInfo& chain : chains) {
    if (chain.hook != NF_INET_FORWARD || chain.policy != NF_DROP) continue;
    const bool sees = chain.table.family == NFPROTO_IPV4 || chain.table.family == NFPROTO_INET ||
                      (chain.table.family == NFPROTO_IPV6 && !patient.endpoint.ip6.empty());
    if (!sees) continue;
    ASSIGN_OR_RETURN(const auto rules, net::ListNftRules(*patient.netfilter, chain.table));
    if (Accepts(rules, bridge, false) && Accepts(rules, bridge, true)) continue;
    return Fault{
        absl::StrCat("the chain ", chain.name, " of the foreign nft table ", chain.table.name,
                     " drops what it does not know, and ", bridge, " is not known there"),
        AcceptCommand(chain, bridge, chains)};
  }
  return CheckLegacyForward(bridge);
}

Finding CheckPortElements(Patient& patient) {
  if (patient.state->ports.empty()) return std::nullopt;
  ASSIGN_OR_RETURN(const LeaseStore leases, LeaseStore::Open(patient.options->manager.run_root));
  for (const state::PortMapping& mapping : patient.state->ports) {
    const std::string path = PortLease(mapping);
    const auto lease = leases.Read(path);
    const auto port =
        lease ? ParsePortLease(absl::string_view(path).substr(sizeof("ports/") - 1), *lease)
              : std::nullopt;
    if (!port || port->id != patient.config->id) {
      return Fault{
          absl::StrCat("the port ", DescribePort(mapping), " is not leased to this container"),
          absl::StrCat("tiny restart ", patient.config->name)};
    }
    for (const Firewall::Entry& entry : Firewall::EntriesOf(*port)) {
      ASSIGN_OR_RETURN(const auto elements,
                       net::ListNftElements(*patient.netfilter, Firewall::Table(), entry.set));
      const bool found = std::any_of(elements.begin(), elements.end(), [&](const auto& element) {
        return element.key == entry.element.key && element.data == entry.element.data;
      });
      if (found) continue;
      return Fault{absl::StrCat("the port ", DescribePort(mapping),
                                " is not in the nft map inet tiny ", entry.set),
                   kReload};
    }
  }
  return std::nullopt;
}

Finding CheckPortHolders(Patient& patient) {
  for (const state::PortMapping& mapping : patient.state->ports) {
    const std::string holder = FindPortHolder(mapping);
    // The supervisor's own socket is the right one; none at all breaks nothing.
    const std::string own = absl::StrCat(", pid ", patient.state->supervisor.pid);
    if (holder.empty() || absl::EndsWith(holder, own)) continue;
    return Fault{absl::StrCat("the port ", DescribePort(mapping), " is also held by ", holder),
                 "stop that process, or publish another host port"};
  }
  return std::nullopt;
}

}  // namespace tiny::runtime
