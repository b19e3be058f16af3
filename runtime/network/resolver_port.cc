#include "runtime/network/resolver_port.h"

#include <arpa/inet.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netlink.h>
#include <netinet/in.h>

#include "absl/strings/string_view.h"
#include "base/status_macros.h"
#include "net/netlink_socket.h"
#include "net/nft_batch.h"

namespace tiny::runtime {
namespace {

using net::BytesOf;
using enum net::NftRegister;

constexpr char kChain[] = "output";
constexpr uint16_t kDnsPort = 53;
constexpr uint32_t kPortLength = 2;

// Of a direction: where addresses are in the IPv4 header, ports in that of UDP and TCP.
struct Side {
  uint32_t address_offset;
  uint32_t port_offset;
};
constexpr Side kSource = {12, 0};
constexpr Side kDestination = {16, 2};

struct Transport {
  uint8_t protocol;
  uint32_t checksum_offset;
};
constexpr Transport kUdp = {IPPROTO_UDP, 6};
constexpr Transport kTcp = {IPPROTO_TCP, 16};

void AddExchange(net::NftBatch& batch, absl::string_view comment, const net::IpAddress& address,
                 const Transport& transport, const Side& side, uint16_t from, uint16_t to) {
  batch.AddRule(kChain, comment)
      .Meta(NFT_META_L4PROTO, kReg0)
      .CompareByte(NFT_CMP_EQ, kReg0, transport.protocol)
      .Payload(NFT_PAYLOAD_NETWORK_HEADER, side.address_offset, 4, kReg0)
      .Compare(NFT_CMP_EQ, kReg0, address.View())
      .Payload(NFT_PAYLOAD_TRANSPORT_HEADER, side.port_offset, kPortLength, kReg0)
      .Compare(NFT_CMP_EQ, kReg0, BytesOf(htons(from)))
      .Immediate(kReg0, BytesOf(htons(to)))
      .SetTransport(side.port_offset, kPortLength, kReg0, transport.checksum_offset);
}

void AddRules(net::NftBatch& batch, const net::IpAddress& address, uint16_t udp_port,
              uint16_t tcp_port) {
  batch.AddChain(
      {.name = kChain, .type = "filter", .hook = NF_INET_LOCAL_OUT, .priority = NF_IP_PRI_RAW});
  AddExchange(batch, "questions by UDP", address, kUdp, kDestination, kDnsPort, udp_port);
  AddExchange(batch, "answers by UDP", address, kUdp, kSource, udp_port, kDnsPort);
  AddExchange(batch, "questions by TCP", address, kTcp, kDestination, kDnsPort, tcp_port);
  AddExchange(batch, "answers by TCP", address, kTcp, kSource, tcp_port, kDnsPort);
}

}  // namespace

absl::Status ServePort53(int netns, const net::IpAddress& address, uint16_t udp_port,
                         uint16_t tcp_port) {
  ASSIGN_OR_RETURN(net::NetlinkSocket socket, net::NetlinkSocket::OpenIn(netns, NETLINK_NETFILTER));
  const net::NftTable table = {NFPROTO_IPV4, "tiny_resolver"};
  net::NftBatch batch(table);
  batch.AddNewTable();
  AddRules(batch, address, udp_port, tcp_port);
  const absl::Status status = batch.Commit(socket);
  if (!absl::IsAlreadyExists(status)) return status;
  // An earlier supervisor's. Not always, as closing a socket waits for what was deleted in its
  // namespace to be freed, for 10 ms and more (nft_rcv_nl_event in net/netfilter/nf_tables_api.c).
  net::NftBatch anew(table);
  anew.DeleteTable();
  anew.AddTable();
  AddRules(anew, address, udp_port, tcp_port);
  return anew.Commit(socket);
}

}  // namespace tiny::runtime
