// All parsers of what the kernel (or whoever claims to be it) sends.
#include <cstddef>
#include <cstdint>
#include <vector>

#include "net/conntrack.h"
#include "net/legacy_iptables.h"
#include "net/link.h"
#include "net/netlink_message.h"
#include "net/nft_list.h"
#include "net/route.h"
#include "net/sock_diag.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tiny::net;
  const absl::string_view bytes(reinterpret_cast<const char*>(data), size);
  constexpr size_t kInfo = 84;  // sizeof(ipt_getinfo)
  (void)ParseLegacyFilter(bytes.substr(0, kInfo), bytes.substr(std::min(size, kInfo)));
  MessageReader reader(absl::string_view(reinterpret_cast<const char*>(data), size));
  while (const auto message = reader.Next()) {
    std::vector<NftElement> elements;
    (void)ParseAcknowledgement(*message);
    (void)ParseLink(*message);
    (void)ParseAddress(*message);
    (void)ParseRoute(*message);
    (void)ParseNeighbour(*message);
    (void)ParseSocket(*message);
    (void)ParseConnection(*message);
    (void)ParseNftTable(*message);
    (void)ParseNftChain(*message);
    (void)ParseNftRule(*message);
    (void)ParseNftElements(*message, elements);
  }
  return 0;
}
