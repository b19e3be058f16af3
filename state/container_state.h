// What became of a container: state.json. Written by its supervisor, or by the command that finds
// that there is none; read by every command. Thread-compatible.
#ifndef TINY_STATE_CONTAINER_STATE_H_
#define TINY_STATE_CONTAINER_STATE_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "base/process.h"
#include "state/container_config.h"

namespace tiny::state {

// docker ps --filter status=
enum class Status { kCreated, kRunning, kPaused, kRestarting, kRemoving, kExited, kDead };

struct HealthProbe {
  absl::Time start;
  absl::Time end;
  int exit_code = 0;
  std::string output;  // at most 4096 bytes
};

struct HealthState {
  std::string status;  // "", "starting", "healthy", "unhealthy"; empty without a health check
  int failing_streak = 0;
  std::vector<HealthProbe> log;  // the last 5
};

// One network that the container is on, as it was set up.
struct NetworkEndpoint {
  std::string network;
  std::string interface_name;  // "eth0"
  std::string ip;              // "10.10.0.2"
  int prefix_length = 0;
  std::string gateway;
  std::string ip6;
  int prefix_length6 = 0;
  std::string gateway6;
  std::string mac_address;
  std::string host_interface;  // the veth's end on the bridge
  std::vector<std::string> aliases;
  std::string network_id;  // 64 hex digits
};

struct ContainerState {
  Status status = Status::kCreated;
  ProcessIdentity init;        // the container's first process; pid 0 when not running
  ProcessIdentity supervisor;  // pid 0 when there is none
  int exit_code = 0;           // -1: not known, as nothing saw the process end
  bool oom_killed = false;
  bool manually_stopped = false;  // stop or kill: unless-stopped stays down
  std::string error;              // why it did not start, or why the exit code is not known
  absl::Time started_at = absl::InfinitePast();
  absl::Time finished_at = absl::InfinitePast();
  int restart_count = 0;
  std::string cgroup_path;  // relative to each hierarchy's root: "/tiny/<id>"
  std::vector<NetworkEndpoint> endpoints;
  std::vector<PortMapping> ports;              // with the host ports that were chosen
  std::map<std::string, std::string> volumes;  // destination -> volume name, anonymous ones too
  HealthState health;
};

struct ContainerRecord {
  ContainerConfig config;
  ContainerState state;  // as recorded: see state/liveness.h
};

}  // namespace tiny::state

#endif  // TINY_STATE_CONTAINER_STATE_H_
