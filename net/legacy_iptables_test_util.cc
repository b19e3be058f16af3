#include "net/legacy_iptables_test_util.h"

#include <arpa/inet.h>  // before linux/in.h, which would else define the same types
#include <linux/netfilter_ipv4/ip_tables.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include <cstddef>
#include <memory>

#include "base/unique_fd.h"

namespace tiny::net {
namespace {

constexpr char kTable[] = "filter";
constexpr size_t kRuleSize = sizeof(ipt_entry) + sizeof(xt_standard_target);

std::string AcceptRule(const std::string& interface, bool out) {
  std::string rule(kRuleSize, '\0');
  auto* entry = reinterpret_cast<ipt_entry*>(rule.data());
  char* const name = out ? entry->ip.outiface : entry->ip.iniface;
  unsigned char* const mask = out ? entry->ip.outiface_mask : entry->ip.iniface_mask;
  memcpy(name, interface.c_str(), interface.size() + 1);
  memset(mask, 0xff, interface.size() + 1);
  entry->target_offset = sizeof(ipt_entry);
  entry->next_offset = kRuleSize;
  auto* target = reinterpret_cast<xt_standard_target*>(rule.data() + sizeof(ipt_entry));
  target->target.u.target_size = sizeof(xt_standard_target);
  target->verdict = -NF_ACCEPT - 1;
  return rule;
}

}  // namespace

bool DropForwardBut(const std::vector<std::string>& interfaces) {
  const UniqueFd fd(socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW));
  ipt_getinfo info = {};
  memcpy(info.name, kTable, sizeof(kTable));
  socklen_t length = sizeof(info);
  // This makes the table where there is none yet.
  if (getsockopt(fd.get(), IPPROTO_IP, IPT_SO_GET_INFO, &info, &length) != 0) return false;
  std::string answer(offsetof(ipt_get_entries, entrytable) + info.size, '\0');
  memcpy(answer.data(), kTable, sizeof(kTable));
  memcpy(answer.data() + offsetof(ipt_get_entries, size), &info.size, sizeof(info.size));
  length = static_cast<socklen_t>(answer.size());
  if (getsockopt(fd.get(), IPPROTO_IP, IPT_SO_GET_ENTRIES, answer.data(), &length) != 0) {
    return false;
  }
  std::string entries = answer.substr(offsetof(ipt_get_entries, entrytable));
  const int drop = -NF_DROP - 1;
  memcpy(entries.data() + info.underflow[NF_INET_FORWARD] + sizeof(ipt_entry) +
             offsetof(xt_standard_target, verdict),
         &drop, sizeof(drop));
  std::string rules;
  for (const std::string& interface : interfaces) {
    rules += AcceptRule(interface, false) + AcceptRule(interface, true);
  }
  entries.insert(info.hook_entry[NF_INET_FORWARD], rules);
  const auto shift = static_cast<unsigned>(rules.size());
  info.underflow[NF_INET_FORWARD] += shift;
  info.hook_entry[NF_INET_LOCAL_OUT] += shift;
  info.underflow[NF_INET_LOCAL_OUT] += shift;

  std::string request(sizeof(ipt_replace), '\0');
  ipt_replace replace = {};
  memcpy(replace.name, kTable, sizeof(kTable));
  replace.valid_hooks = info.valid_hooks;
  replace.num_entries = info.num_entries + static_cast<unsigned>(2 * interfaces.size());
  replace.size = static_cast<unsigned>(entries.size());
  memcpy(replace.hook_entry, info.hook_entry, sizeof(info.hook_entry));
  memcpy(replace.underflow, info.underflow, sizeof(info.underflow));
  replace.num_counters = info.num_entries;
  const auto counters = std::make_unique<xt_counters[]>(info.num_entries);
  replace.counters = counters.get();
  memcpy(request.data(), &replace, sizeof(replace));
  request += entries;
  return setsockopt(fd.get(), IPPROTO_IP, IPT_SO_SET_REPLACE, request.data(),
                    static_cast<socklen_t>(request.size())) == 0;
}

}  // namespace tiny::net
