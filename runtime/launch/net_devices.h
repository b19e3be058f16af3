// linux.netDevices: interfaces of the host that become the container's.
//
// Each is moved, renamed and brought up, and has the addresses of global scope that it had. Source:
// runtime-spec 1.3, config-linux.md, "Network Devices". Thread-compatible.
#ifndef TINY_RUNTIME_LAUNCH_NET_DEVICES_H_
#define TINY_RUNTIME_LAUNCH_NET_DEVICES_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "base/unique_fd.h"
#include "net/route.h"
#include "oci/spec.h"

namespace tiny::runtime {

// Destroyed, it gives the interfaces back, unless Keep was called: a container that does not come
// to be must not take them with it.
class MovedDevices {
 public:
  MovedDevices() = default;
  MovedDevices(const MovedDevices&) = delete;
  MovedDevices& operator=(const MovedDevices&) = delete;
  ~MovedDevices();

  // From this namespace to that behind `netns`. kNotFound for an interface that is not there,
  // kAlreadyExists where the container has one of the new name; a name with "%d" gets a number.
  absl::Status Move(const std::map<std::string, oci::NetDevice>& devices, int netns);
  void Keep() { moved_.clear(); }

 private:
  struct Moved {
    std::string name;  // here
    bool up = false;   // here
    int index = 0;     // there
    std::vector<net::IpPrefix> addresses;
  };

  absl::Status MoveOne(const std::string& name, const std::string& new_name);
  absl::Status GiveBack(const Moved& device);

  std::vector<Moved> moved_;
  UniqueFd home_;   // the namespace that they come from
  UniqueFd there_;  // the container's
};

}  // namespace tiny::runtime

#endif  // TINY_RUNTIME_LAUNCH_NET_DEVICES_H_
