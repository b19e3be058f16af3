// The netlink transport alone: asks the kernel for its routing rules and prints each one's
// priority.
//   bazel run //examples:netlink_example
#include <linux/fib_rules.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include <cstdio>
#include <vector>

#include "net/netlink_message.h"
#include "net/netlink_socket.h"

int main() {
  auto socket = tiny::net::NetlinkSocket::Open(NETLINK_ROUTE);
  if (!socket.ok()) {
    fprintf(stderr, "%s\n", std::string(socket.status().message()).c_str());
    return 1;
  }
  tiny::net::MessageBuilder batch;
  batch.Begin(34 /* RTM_GETRULE */, NLM_F_DUMP, "list routing rules");
  batch.PutHeader(fib_rule_hdr{.family = AF_INET});
  std::vector<uint32_t> priorities;
  const absl::Status status = socket->Query(
      batch, [&] { priorities.clear(); },
      [&](size_t, const tiny::net::MessageView& message) {
        const auto priority =
            tiny::net::FindAttribute(message.AttributesAfter<fib_rule_hdr>(), FRA_PRIORITY);
        // The first rule has priority 0, which is not sent.
        priorities.push_back(priority ? priority->U32() : 0);
        return absl::OkStatus();
      });
  if (!status.ok()) {
    fprintf(stderr, "%s\n", std::string(status.message()).c_str());
    return 1;
  }
  for (const uint32_t priority : priorities) printf("rule of priority %u\n", priority);
  return 0;
}
