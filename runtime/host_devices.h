// Device nodes of the host, as a container is given them.
#ifndef TINY_RUNTIME_HOST_DEVICES_H_
#define TINY_RUNTIME_HOST_DEVICES_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "oci/spec.h"
#include "state/container_config.h"

namespace tiny::runtime {

// The node at `path`, symbolic links followed, under the name `path`. kInvalidArgument for what is
// no device.
absl::StatusOr<oci::Device> ReadHostDevice(absl::string_view path);

// Those that --device and the --device-*-bps family name, by path. One that is missing is left out:
// who needs it says so.
std::map<std::string, oci::Device> NamedHostDevices(const state::ContainerConfig& config);

// Every character and block device below /dev but those of /dev/pts, /dev/shm and /dev/mqueue,
// which a container has its own of: for --privileged.
std::vector<oci::Device> AllHostDevices();

}  // namespace tiny::runtime

#endif  // TINY_RUNTIME_HOST_DEVICES_H_
