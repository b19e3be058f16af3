#include "net/sock_diag.h"

#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "base/status_macros.h"

namespace tiny::net {

std::optional<SocketInfo> ParseSocket(const MessageView& message) {
  const auto answer = message.Header<inet_diag_msg>();
  if (message.header.nlmsg_type != SOCK_DIAG_BY_FAMILY || !answer) return std::nullopt;
  if (answer->idiag_family != AF_INET && answer->idiag_family != AF_INET6) return std::nullopt;
  SocketInfo info;
  info.local = IpAddress::FromBytes(answer->idiag_family, answer->id.idiag_src);
  info.local_port = ntohs(answer->id.idiag_sport);
  info.inode = answer->idiag_inode;
  info.uid = answer->idiag_uid;
  return info;
}

absl::StatusOr<std::vector<SocketInfo>> ListPortSockets(NetlinkSocket& socket, int protocol,
                                                        uint16_t port) {
  std::vector<SocketInfo> found;
  for (const uint8_t family : {AF_INET, AF_INET6}) {
    MessageBuilder batch;
    batch.Begin(SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, "list sockets");
    inet_diag_req_v2 request = {};
    request.sdiag_family = family;
    request.sdiag_protocol = static_cast<uint8_t>(protocol);
    request.idiag_states = protocol == IPPROTO_TCP ? 1U << TCP_LISTEN : ~0U;
    batch.PutHeader(request);
    std::vector<SocketInfo> sockets;
    RETURN_IF_ERROR(socket.Query(
        batch, [&] { sockets.clear(); },
        [&](size_t, const MessageView& message) {
          const auto info = ParseSocket(message);
          if (info && info->local_port == port) sockets.push_back(*info);
          return absl::OkStatus();
        }));
    found.insert(found.end(), sockets.begin(), sockets.end());
  }
  return found;
}

}  // namespace tiny::net
