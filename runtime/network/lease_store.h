// What a container holds outside its own namespaces, as files: addresses, names, published ports.
//
//   <run_root>/leases/addresses/<network>/<address>     -> "<owner>"
//   <run_root>/leases/names/<network>/<name>/<id>       -> "<owner> <address or -> <address6 or ->"
//   <run_root>/leases/ports/<protocol>_<address>_<port> -> "<owner> <address> <address6> <port>"
//
// Each is a symbolic link that points nowhere: symlink(2) makes name and text in one atomic step,
// and fails where the name is taken, so a claim needs no lock and can't be half written. Only the
// removal of a link, which must not hit another's new claim, takes the store's lock. <owner> is
// "<container id> <pid> <start time> <boot id>": a lease is alive as long as that process is.
// Errors: PosixStatus. Several processes may use one store at once. Thread-compatible,
// but a store that was opened before its folder existed is not to be shared.
#ifndef TINY_RUNTIME_NETWORK_LEASE_STORE_H_
#define TINY_RUNTIME_NETWORK_LEASE_STORE_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/process.h"
#include "base/unique_fd.h"

namespace tiny::runtime {

struct Lease {
  std::string container;  // id
  ProcessIdentity process;
  std::vector<std::string> values;  // what the kind of lease adds

  std::string Text() const;
};
// Nothing if the text is not a lease's.
std::optional<Lease> ParseLease(absl::string_view text);

// Remembers which processes were found alive: one question for each in a sweep.
class Liveness {
 public:
  bool IsAlive(const Lease& lease);

 private:
  std::map<pid_t, std::optional<ProcessStat>> seen_;
};

class LeaseStore {
 public:
  enum class Sharing { kShared, kExclusive };

  // Where there are no leases yet, the first lock or claim makes the folders.
  static absl::StatusOr<LeaseStore> Open(absl::string_view run_root);

  // flock(2) on the store; released when the descriptor closes.
  absl::StatusOr<UniqueFd> Lock(Sharing sharing) const;

  // `path` is relative: "ports/tcp_any_80". True if it is now the lease's; false if it is taken.
  absl::StatusOr<bool> Claim(const std::string& path, const Lease& lease) const;
  // Takes the place of a lease that the caller's container has, in one step.
  absl::Status Replace(const std::string& path, const Lease& lease) const;
  std::optional<Lease> Read(const std::string& path) const;
  // The names in a folder; empty where there is none.
  std::vector<std::string> List(const std::string& folder) const;

  // Removes the lease if it is that container's. Takes the lock.
  absl::Status Release(const std::string& path, absl::string_view container) const;
  // Removes the lease if its owner is gone; true if so. The caller holds the lock, exclusively.
  bool ReleaseDead(const std::string& path, Liveness& liveness) const;
  // rmdir(2): leaves a folder that is not empty alone.
  void RemoveFolder(const std::string& folder) const;

 private:
  LeaseStore(std::string path, UniqueFd directory);
  int Directory() const;  // -1 as long as there is none
  absl::Status Make() const;

  std::string path_;
  mutable UniqueFd directory_;
};

}  // namespace tiny::runtime

#endif  // TINY_RUNTIME_NETWORK_LEASE_STORE_H_
