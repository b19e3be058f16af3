// What a D-Bus server may send: headers, bodies, and how long they say they are.
#include <cstddef>
#include <cstdint>

#include "cgroup/dbus/message.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tiny::dbus;
  const absl::string_view bytes(reinterpret_cast<const char*>(data), size);
  (void)SizeOfMessage(bytes);
  const absl::StatusOr<Message> message = Decode(bytes);
  if (!message.ok()) return 0;
  // What it says is what its bytes hold, and no more.
  if (message->received_body.size() > size || message->path.size() > size) __builtin_trap();
  Reader reader(message->received_body);
  for (const char type : message->signature) reader.Skip(type);
  return 0;
}
