// Payloads of any bytes: read or refused, and what a status was read as is sent as the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "runtime/attach/protocol.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tiny::runtime;  // NOLINT
  const absl::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (ParsePayload<HelloPayload>(bytes).has_value() != (size >= sizeof(HelloPayload))) abort();
  (void)ParsePayload<WindowSize>(bytes);
  (void)ParsePayload<ExitedPayload>(bytes);
  const absl::Status status = DecodeStatus(bytes);
  const std::string sent = EncodeStatus(status);
  if (sent.size() > kMaxFrame) abort();
  const absl::Status received = DecodeStatus(sent);
  if (sent.size() < kMaxData && received.code() != status.code()) abort();
  return 0;
}
