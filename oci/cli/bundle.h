// A bundle made ready to be launched: its configuration read, checked and completed with what the
// environment of the runtime adds.
#ifndef TINY_OCI_CLI_BUNDLE_H_
#define TINY_OCI_CLI_BUNDLE_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/unique_fd.h"
#include "cgroup/systemd/unit_name.h"
#include "fs/rooted_dir.h"
#include "ns/network_maker.h"
#include "oci/cli/command.h"
#include "oci/spec.h"
#include "security/caller.h"

namespace tiny::oci {

struct Bundle {
  std::string path;    // absolute
  UniqueFd file;       // config.json; like the root not closed before the bundle is gone
  std::string config;  // its text
  Spec spec;
  std::string rootfs;  // absolute
  fs::RootedDir root{UniqueFd()};
  // Of every hierarchy; empty with --systemd-cgroup, as systemd chooses it, and where there is
  // none:
  // --cgroup-manager disabled.
  std::string cgroup_path;
  std::optional<systemd::UnitName> unit;  // with --systemd-cgroup
};

// `path` is a folder; empty: the working one. `config` is the file, where it is not config.json
// there. kInvalidArgument for whatever is wrong in it. `network` is started where it will be needed
// as far as a glance tells.
absl::StatusOr<Bundle> LoadBundle(const Globals& globals, const security::Caller& caller,
                                  absl::string_view path, absl::string_view config,
                                  absl::string_view id, ns::NetworkMaker& network);

// The cgroup of linux.cgroupsPath: as it is where absolute, below /tiny-oci where relative, and
// there by the id where empty. kInvalidArgument where it would leave that.
absl::StatusOr<std::string> CgroupPathOf(absl::string_view cgroups_path, absl::string_view id);

// Engines write every field of the limits, with 0 for those that nobody asked for; as in runc such
// a 0 is as if absent. But from version 1.3 of the specification on, a pids.limit of 0 is a limit:
// as low as one can be, the container's own process.
void DropZeroLimits(Resources& resources, absl::string_view oci_version);

// Capabilities that are unknown or that this process lacks can't be granted; the specification
// wants that said, not refused. Removes them and returns the warning; empty: all can be granted.
// In a user namespace of its own, the container can have all.
std::string DropUnavailableCapabilities(const Spec& spec, Process& process);

// Passes the service manager's sockets on: `notify_folder`, unless it is empty, is where the
// container's NOTIFY_SOCKET will be (notify_socket.h), and LISTEN_FDS counts descriptors that the
// container gets (sd_listen_fds(3)). Returns how many those are.
int AddServiceSockets(absl::string_view notify_folder, Spec& spec);

}  // namespace tiny::oci

#endif  // TINY_OCI_CLI_BUNDLE_H_
