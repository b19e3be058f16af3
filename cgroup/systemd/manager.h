// systemd's manager, asked over D-Bus for the scope that is a container's cgroup.
//
//   ASSIGN_OR_RETURN(Manager manager, Manager::Connect(Manager::Of::kMachine));
//   RETURN_IF_ERROR(manager.StartScope("tiny-0123.scope", "system.slice", pid, properties));
//   ...
//   RETURN_IF_ERROR(manager.Stop("tiny-0123.scope"));
//
// Errors name the unit, carry systemd's own words, and have a hint where no manager can be reached:
// which sockets were tried. systemd 244 or later. Blocking. Thread-compatible.
// Sources: org.freedesktop.systemd1(5), systemd.scope(5).
#ifndef TINY_CGROUP_SYSTEMD_MANAGER_H_
#define TINY_CGROUP_SYSTEMD_MANAGER_H_

#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "cgroup/dbus/connection.h"
#include "cgroup/systemd/properties.h"

namespace tiny::systemd {

class Manager {
 public:
  // The machine's: $DBUS_SYSTEM_BUS_ADDRESS, or the system bus, or where there is none systemd's
  // private socket. A user's, of whom this process may be root in a user namespace:
  // $DBUS_SESSION_BUS_ADDRESS, or the bus and the private socket in $XDG_RUNTIME_DIR.
  enum class Of { kMachine, kUser };
  static absl::StatusOr<Manager> Connect(Of of);

  // Starts a transient scope in `slice` with the process `pid` in it, delegated to its processes
  // and with everything counted, and returns when it runs. A failed unit of that name that was left
  // behind is cleared away; one that runs is kAlreadyExists.
  absl::Status StartScope(const std::string& unit, const std::string& slice, pid_t pid,
                          const std::vector<Property>& properties);

  // Until the unit ends; kNotFound if it has.
  absl::Status SetProperties(const std::string& unit, const std::vector<Property>& properties);

  // Kills what runs in it and returns when it is gone. One that is gone is ok.
  absl::Status Stop(const std::string& unit);

 private:
  explicit Manager(dbus::Connection bus) : bus_(std::move(bus)) {}

  absl::StatusOr<dbus::Message> Call(const char* method, dbus::Body body);
  // Waits for the end of the job that `reply` names; an error where it did not succeed.
  absl::Status WaitForJob(const dbus::Message& reply);

  dbus::Connection bus_;
};

}  // namespace tiny::systemd

#endif  // TINY_CGROUP_SYSTEMD_MANAGER_H_
