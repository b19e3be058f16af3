// The systemd cgroup driver: a container's cgroup is a scope that systemd makes, and stops.
#ifndef TINY_OCI_CLI_SYSTEMD_SCOPE_H_
#define TINY_OCI_CLI_SYSTEMD_SCOPE_H_

#include <sys/types.h>

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cgroup/resources.h"
#include "cgroup/systemd/unit_name.h"
#include "oci/spec.h"
#include "security/caller.h"

namespace tiny::oci {

// A scope that runs with a placeholder in it: systemd wants a process when it makes one, and the
// container is only born into it afterwards. Destroyed, it stops the scope, unless Keep was called.
class SystemdScope {
 public:
  // By the manager of the machine, or of a user who calls. With the limits and the
  // "org.systemd.property." annotations of the spec. kInvalidArgument names the annotation or limit
  // that is wrong.
  static absl::StatusOr<SystemdScope> Start(const systemd::UnitName& name, const Spec& spec,
                                            const security::Caller& caller);

  SystemdScope(SystemdScope&& other) noexcept;
  SystemdScope& operator=(SystemdScope&&) = delete;
  ~SystemdScope();

  // Where systemd has put it, below the root of the trees that it manages.
  const std::string& cgroup_path() const { return cgroup_path_; }

  // The container is in the scope: the placeholder ends, and the scope lives on with it.
  void Keep();

 private:
  explicit SystemdScope(std::string unit) : unit_(std::move(unit)) {}

  absl::Status ForkPlaceholder();
  void EndPlaceholder();

  std::string unit_;  // empty: kept, or moved away
  pid_t placeholder_ = 0;
  std::string cgroup_path_;
};

// For update: what systemd would set back when it is reloaded.
absl::Status UpdateScope(const std::string& unit, const cgroup::Resources& limits);

// For delete: kills and removes what is left of it. One that is gone is ok.
absl::Status StopScope(const std::string& unit);

}  // namespace tiny::oci

#endif  // TINY_OCI_CLI_SYSTEMD_SCOPE_H_
