// What iptables-legacy would do, for tests. Use only inside a network namespace of the test's own.
#ifndef TINY_NET_LEGACY_IPTABLES_TEST_UTIL_H_
#define TINY_NET_LEGACY_IPTABLES_TEST_UTIL_H_

#include <string>
#include <vector>

namespace tiny::net {

// iptables-legacy -P FORWARD DROP, then -I FORWARD -i X -j ACCEPT and -I FORWARD -o X -j ACCEPT for
// each interface. False where the kernel has no ip_tables.
bool DropForwardBut(const std::vector<std::string>& interfaces);

}  // namespace tiny::net

#endif  // TINY_NET_LEGACY_IPTABLES_TEST_UTIL_H_
