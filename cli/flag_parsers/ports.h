// -p, --publish and --expose. Pure functions, thread-safe; errors are kInvalidArgument.
// Grammar: docs.docker.com/engine/network/port-publishing.
#ifndef TINY_CLI_FLAG_PARSERS_PORTS_H_
#define TINY_CLI_FLAG_PARSERS_PORTS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "state/container_config.h"

namespace tiny::cli {

struct PortRange {
  uint16_t first = 0;
  uint16_t last = 0;

  uint32_t size() const { return uint32_t{last} - first + 1; }
};

// "80" or "8000-8010": 1 to 65535.
absl::StatusOr<PortRange> ParsePortRange(absl::string_view text);

// "80", "8080:80", "127.0.0.1:8080:80/udp", "127.0.0.1::80", "[::1]:8080:80", "8000-8010:80-90",
// "published=8080,target=80,protocol=tcp": one mapping for each port. Without a host port the host
// port is 0 (chosen at start).
absl::StatusOr<std::vector<state::PortMapping>> ParsePublish(absl::string_view text);

// "80", "53/udp", "8000-8003/tcp": each as "80/tcp".
absl::StatusOr<std::vector<std::string>> ParseExpose(absl::string_view text);

}  // namespace tiny::cli

#endif  // TINY_CLI_FLAG_PARSERS_PORTS_H_
