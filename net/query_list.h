// A dump of the kernel's as a list.
#ifndef TINY_NET_QUERY_LIST_H_
#define TINY_NET_QUERY_LIST_H_

#include <optional>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "base/status_macros.h"
#include "net/netlink_message.h"
#include "net/netlink_socket.h"

namespace tiny::net {

// What `parse` makes of each answer to the requests of `batch`; answers that it makes nothing of
// are left out. The errors are those of NetlinkSocket::Query.
template <typename Info>
absl::StatusOr<std::vector<Info>> QueryList(NetlinkSocket& socket, MessageBuilder& batch,
                                            std::optional<Info> (*parse)(const MessageView&)) {
  std::vector<Info> list;
  RETURN_IF_ERROR(socket.Query(
      batch, [&] { list.clear(); },
      [&](size_t, const MessageView& message) {
        if (auto info = parse(message)) list.push_back(*std::move(info));
        return absl::OkStatus();
      }));
  return list;
}

}  // namespace tiny::net

#endif  // TINY_NET_QUERY_LIST_H_
