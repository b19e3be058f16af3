// The DNS parsers, and that an answer to whatever was read is itself well formed.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "runtime/network/container_files.h"
#include "runtime/network/dns_message.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tiny::runtime;
  const absl::string_view bytes(reinterpret_cast<const char*>(data), size);
  (void)FirstDnsAddress(bytes);
  (void)ParseReverseName(bytes);
  (void)ParseResolvConf(bytes);
  if (const auto question = ParseDnsQuestion(bytes)) {
    const std::string answer =
        MakeDnsAnswer(bytes, *question, kDnsNoError, {tiny::net::IpAddress::V4(1)}, {"a.b"});
    const auto again = ParseDnsQuestion(answer);
    if (!again || !again->is_response || again->name != question->name) abort();
  }
  return 0;
}
