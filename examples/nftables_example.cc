// nftables alone: in a network namespace of its own, a table whose one rule drops what comes from
// the addresses of a set; then the set's elements as the kernel has them. Needs root.
//   sudo bazel run //examples:nftables_example
#include <errno.h>
#include <linux/netlink.h>
#include <sched.h>
#include <sys/socket.h>

#include <cstdio>

#include "base/posix_status.h"
#include "base/status_macros.h"
#include "net/ip_address.h"
#include "net/netlink_socket.h"
#include "net/nft_batch.h"
#include "net/nft_list.h"

namespace {

using namespace tiny::net;

absl::Status Run() {
  if (unshare(CLONE_NEWNET) != 0) return tiny::PosixStatus(errno, "make a network namespace");
  ASSIGN_OR_RETURN(NetlinkSocket socket, NetlinkSocket::Open(NETLINK_NETFILTER));
  const NftTable table = {NFPROTO_INET, "example"};
  NftBatch batch(table);
  batch.AddTable();
  batch.AddSet({.name = "blocked", .key_type = kNftIpv4Address, .key_length = 4});
  batch.AddChain({.name = "input", .type = "filter", .hook = NF_INET_LOCAL_IN});
  batch.AddRule("input", "drop what is blocked")
      .Meta(NFT_META_NFPROTO, kReg0)
      .CompareByte(NFT_CMP_EQ, kReg0, NFPROTO_IPV4)
      .Payload(NFT_PAYLOAD_NETWORK_HEADER, 12, 4, kReg0)
      .Lookup("blocked", kReg0)
      .Counter()
      .Verdict(NF_DROP);
  ASSIGN_OR_RETURN(const IpAddress address, ParseIpAddress("192.0.2.66"));
  batch.AddElements("blocked", {{.key = std::string(address.View()), .comment = "an example"}});
  RETURN_IF_ERROR(batch.Commit(socket));  // all of it, or nothing

  ASSIGN_OR_RETURN(const auto elements, ListNftElements(socket, table, "blocked"));
  for (const NftElement& element : elements) {
    printf("%s (%s)\n", IpAddress::FromBytes(AF_INET, element.key.data()).ToString().c_str(),
           element.comment.c_str());
  }
  return absl::OkStatus();
}

}  // namespace

int main() {
  const absl::Status status = Run();
  if (!status.ok()) fprintf(stderr, "%s\n", std::string(status.message()).c_str());
  return status.ok() ? 0 : 1;
}
