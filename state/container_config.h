// What a container is, as the user asked for it: config.json. Written once at creation; `rename`
// and `update` are the only later changes.
//
// Defaults are those of a container run with no flags. All names are Docker's (docker inspect's
// Config and HostConfig), so that runtime/inspect.cc is a plain mapping. Thread-compatible.
#ifndef TINY_STATE_CONTAINER_CONFIG_H_
#define TINY_STATE_CONTAINER_CONFIG_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"

namespace tiny::state {

struct MountConfig {
  enum class Type { kBind, kVolume, kTmpfs };
  Type type = Type::kBind;
  std::string source;       // host path or volume name; empty: an anonymous volume
  std::string destination;  // absolute, clean
  bool read_only = false;
  std::string propagation;     // "", "rprivate", "rshared", "slave", ...
  bool recursive = true;       // false: bind without the mounts below (bind-recursive=disabled)
  bool create_source = false;  // -v makes a missing directory; --mount refuses
  bool no_copy = false;        // a volume is not filled from the image
  std::string tmpfs_options;   // "size=64m,mode=1777", as mount(8) takes them
  std::string volume_subpath;
};

struct PortMapping {
  std::string host_ip;         // empty: all addresses
  uint16_t host_port = 0;      // 0: chosen at start
  uint16_t host_port_end = 0;  // above host_port: the first free one from host_port to this
  uint16_t container_port = 0;
  std::string protocol = "tcp";  // "tcp", "udp", "sctp"

  bool operator==(const PortMapping&) const = default;
};

struct NetworkAttachment {
  std::string network;  // "bridge", "none", "host", "container:<id>" or a user network's name
  std::vector<std::string> aliases;
  std::string ip;  // asked for; empty: chosen
  std::string ip6;
  std::string mac_address;
};

struct UlimitConfig {
  std::string name;  // "nofile"
  int64_t soft = 0;  // -1: unlimited
  int64_t hard = 0;
};

struct DeviceConfig {
  std::string path_on_host;
  std::string path_in_container;
  std::string permissions = "rwm";
};

struct DeviceRate {
  std::string path;   // "/dev/sda"
  uint64_t rate = 0;  // bytes or operations per second
};

// 0, -1 or empty as the comment says: not set.
struct ResourceConfig {
  int64_t memory = 0;              // bytes
  int64_t memory_swap = 0;         // memory and swap together; -1: unlimited; 0: twice memory
  int64_t memory_reservation = 0;  // bytes
  std::optional<int64_t> memory_swappiness;
  int64_t nano_cpus = 0;  // --cpus, in 1e-9 of a cpu
  int64_t cpu_shares = 0;
  int64_t cpu_period = 0;  // microseconds
  int64_t cpu_quota = 0;   // microseconds
  std::string cpuset_cpus;
  std::string cpuset_mems;
  int64_t pids_limit = 0;  // 0 and -1: none
  uint16_t blkio_weight = 0;
  std::vector<DeviceRate> device_read_bps;
  std::vector<DeviceRate> device_write_bps;
  std::vector<DeviceRate> device_read_iops;
  std::vector<DeviceRate> device_write_iops;
  std::vector<std::string> device_cgroup_rules;  // "c 42:* rmw"
};

struct RestartPolicy {
  std::string name = "no";      // "no", "on-failure", "always", "unless-stopped"
  int maximum_retry_count = 0;  // of on-failure; 0: no maximum
};

struct HealthConfig {
  std::vector<std::string> test;  // {"CMD-SHELL", "..."}, {"CMD", ...}, {"NONE"}; empty: none
  absl::Duration interval = absl::Seconds(30);
  absl::Duration timeout = absl::Seconds(30);
  absl::Duration start_period = absl::ZeroDuration();
  absl::Duration start_interval = absl::Seconds(5);
  int retries = 3;
};

struct LogConfig {
  std::string driver = "k8s-file";             // "k8s-file", "json-file", "none"
  std::map<std::string, std::string> options;  // "max-size", "max-file"
};

struct SecurityConfig {
  std::vector<std::string> cap_add;  // "NET_ADMIN", "ALL"
  std::vector<std::string> cap_drop;
  bool privileged = false;
  bool no_new_privileges = false;
  std::string seccomp;  // "": the default, "unconfined", or the profile's JSON text
  bool systempaths_unconfined = false;
  std::string apparmor;
};

struct ContainerConfig {
  std::string id;    // 64 hex digits
  std::string name;  // without the leading slash of docker inspect
  absl::Time created_at = absl::InfinitePast();

  // Where the files come from: an image, or a folder of the host.
  std::string image;            // as the user named it; with a rootfs: its path
  std::string rootfs;           // absolute path of --rootfs; empty with an image
  bool rootfs_overlay = false;  // --rootfs DIR:O

  std::vector<std::string> entrypoint;
  std::vector<std::string> command;  // arguments after the entrypoint
  std::vector<std::string> env;      // complete: what the process gets
  std::string working_dir;
  std::string user;  // "", "name", "uid", "user:group"
  std::vector<std::string> group_add;
  std::string hostname;
  std::string domainname;
  bool tty = false;
  bool open_stdin = false;
  bool attach_stdin = false;  // stdin closes when the first client that had it goes
  bool init = false;
  bool auto_remove = false;
  std::string stop_signal;          // "" is SIGTERM
  std::optional<int> stop_timeout;  // seconds; absent: 10; -1: for ever
  std::map<std::string, std::string> labels;
  std::map<std::string, std::string> annotations;

  std::vector<MountConfig> mounts;
  bool read_only = false;
  int64_t shm_size = int64_t{64} << 20;
  std::vector<DeviceConfig> devices;

  std::vector<NetworkAttachment> networks;  // empty: the default bridge
  std::vector<PortMapping> ports;
  bool publish_all = false;
  std::vector<std::string> exposed_ports;  // "80/tcp"
  std::vector<std::string> dns;
  std::vector<std::string> dns_search;
  std::vector<std::string> dns_options;
  std::vector<std::string> extra_hosts;  // "name:ip"

  std::string pid_mode;       // "", "host", "container:<id>"
  std::string ipc_mode;       // "", "none", "private", "shareable", "host", "container:<id>"
  std::string uts_mode;       // "", "host"
  std::string cgroupns_mode;  // "", "host", "private"
  std::string userns_mode;    // "", "host"
  std::string cgroup_parent;

  ResourceConfig resources;
  std::vector<UlimitConfig> ulimits;
  std::optional<int> oom_score_adj;
  std::map<std::string, std::string> sysctls;
  SecurityConfig security;

  RestartPolicy restart_policy;
  HealthConfig health;
  LogConfig log;
};

}  // namespace tiny::state

#endif  // TINY_STATE_CONTAINER_CONFIG_H_
