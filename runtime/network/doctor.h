// network doctor: walks from a container to the world link by link and names the first broken one.
//
// Facts are gathered by netlink, /proc and real packets; nothing is changed. Source: each check's
// own comment in doctor_*.cc. Thread-compatible; visits the container's network namespace.
#ifndef TINY_RUNTIME_NETWORK_DOCTOR_H_
#define TINY_RUNTIME_NETWORK_DOCTOR_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "runtime/network/network_manager.h"

namespace tiny::runtime {

struct Diagnosis {
  enum class Result { kOk, kBroken, kSkipped };
  std::string check;  // stable word: "lo-up", "eth0-present", "default-route", "masquerade", ...
  Result result = Result::kOk;
  std::string fact;  // "eth0 is down in the container"
  std::string fix;   // a command: "tiny network reload"; empty when ok
};

struct DoctorOptions {
  NetworkManagerOptions manager;
  std::string to;                             // "HOST:PORT"; empty: no connection is tried
  absl::Duration timeout = absl::Seconds(2);  // of each probe
  std::string resolv_conf_path;  // the container's /etc/resolv.conf as the host sees it
};

// The checks in order, up to the first broken one. All kOk: all is well.
// kFailedPrecondition where the container is not running.
absl::StatusOr<std::vector<Diagnosis>> DiagnoseNetwork(const DoctorOptions& options,
                                                       const state::ContainerConfig& config,
                                                       const state::ContainerState& state);

}  // namespace tiny::runtime

#endif  // TINY_RUNTIME_NETWORK_DOCTOR_H_
