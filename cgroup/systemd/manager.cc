#include "cgroup/systemd/manager.h"

#include <stdlib.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/posix_status.h"
#include "base/status_macros.h"

namespace tiny::systemd {
namespace {

constexpr char kName[] = "org.freedesktop.systemd1";
constexpr char kPath[] = "/org/freedesktop/systemd1";
constexpr char kInterface[] = "org.freedesktop.systemd1.Manager";
constexpr char kJobRemoved[] =
    "type='signal',interface='org.freedesktop.systemd1.Manager',member='JobRemoved'";

struct Server {
  std::string address;
  bool is_bus;  // else the manager itself
};

// Where a manager may be, the best first.
std::vector<Server> Servers(bool system) {
  const char* given = getenv(system ? "DBUS_SYSTEM_BUS_ADDRESS" : "DBUS_SESSION_BUS_ADDRESS");
  if (given != nullptr && *given != '\0') return {{given, true}};
  if (system) {
    return {{"unix:path=/run/dbus/system_bus_socket", true},
            {"unix:path=/run/systemd/private", false}};
  }
  const char* directory = getenv("XDG_RUNTIME_DIR");
  const std::string run =
      directory != nullptr ? std::string(directory) : absl::StrCat("/run/user/", geteuid());
  return {{absl::StrCat("unix:path=", run, "/bus"), true},
          {absl::StrCat("unix:path=", run, "/systemd/private"), false}};
}

void PutEmptyAuxiliaryUnits(dbus::Body& body) { body.EndArray(body.BeginArray("(sa(sv))")); }

}  // namespace

absl::StatusOr<Manager> Manager::Connect(Of of) {
  const bool system = of == Of::kMachine;
  const auto claim = system ? dbus::Connection::Claim::kUser : dbus::Connection::Claim::kNothing;
  std::vector<std::string> failures;
  for (const Server& server : Servers(system)) {
    absl::StatusOr<dbus::Connection> connection = dbus::Connection::Open(server.address, claim);
    absl::Status status = connection.status();
    if (status.ok() && server.is_bus) status = connection->Hello();
    if (!status.ok()) {
      failures.emplace_back(status.message());
      continue;
    }
    Manager manager(*std::move(connection));
    if (!server.is_bus) return manager;
    dbus::Body rule;
    rule.PutString(kJobRemoved);
    RETURN_IF_ERROR(manager.bus_
                        .Call({.path = "/org/freedesktop/DBus",
                               .interface = "org.freedesktop.DBus",
                               .member = "AddMatch",
                               .destination = "org.freedesktop.DBus",
                               .body = std::move(rule)})
                        .status());
    RETURN_IF_ERROR(manager.Call("Subscribe", {}).status());
    return manager;
  }
  return WithHint(absl::UnavailableError(
                      absl::StrCat("no systemd can be reached: ", absl::StrJoin(failures, "; "))),
                  absl::StrCat("start systemd's D-Bus, say where it is with ",
                               system ? "DBUS_SYSTEM_BUS_ADDRESS" : "DBUS_SESSION_BUS_ADDRESS",
                               ", or use the cgroupfs driver: no --systemd-cgroup"));
}

absl::StatusOr<dbus::Message> Manager::Call(const char* method, dbus::Body body) {
  return bus_.Call({.path = kPath,
                    .interface = kInterface,
                    .member = method,
                    .destination = kName,
                    .body = std::move(body)});
}

absl::Status Manager::WaitForJob(const dbus::Message& reply) {
  const std::string job(dbus::Reader(reply.received_body).String());
  while (true) {
    ASSIGN_OR_RETURN(const dbus::Message removed, bus_.WaitForSignal("JobRemoved"));
    dbus::Reader arguments(removed.received_body);
    arguments.Uint32();  // the job's number
    if (arguments.String() != job) continue;
    arguments.String();  // the unit
    const absl::string_view result = arguments.String();
    if (!arguments.ok()) return absl::DataLossError("D-Bus: a malformed JobRemoved");
    if (result == "done") return absl::OkStatus();
    return absl::UnknownError(absl::StrCat("its job ended as \"", result, "\""));
  }
}

absl::Status Manager::StartScope(const std::string& unit, const std::string& slice, pid_t pid,
                                 const std::vector<Property>& properties) {
  std::vector<Property> all = {
      {"Description", absl::StrCat("container ", unit)},
      {"Slice", slice},
      {"Delegate", true},
      {"DefaultDependencies", false},
      {"PIDs", std::vector<uint32_t>{static_cast<uint32_t>(pid)}},
      {"CPUAccounting", true},
      {"MemoryAccounting", true},
      {"TasksAccounting", true},
      {"IOAccounting", true},
  };
  all.insert(all.end(), properties.begin(), properties.end());
  const auto start = [&]() -> absl::Status {
    dbus::Body body;
    body.PutString(unit);
    body.PutString("replace");
    PutProperties(all, body);
    PutEmptyAuxiliaryUnits(body);
    ASSIGN_OR_RETURN(const dbus::Message reply, Call("StartTransientUnit", std::move(body)));
    return WaitForJob(reply);
  };
  absl::Status status = start();
  if (absl::IsAlreadyExists(status)) {
    dbus::Body body;
    body.PutString(unit);
    if (Call("ResetFailedUnit", std::move(body)).ok()) status = start();
  }
  return Annotate(status, absl::StrCat("systemd: start ", unit, " in ", slice));
}

absl::Status Manager::SetProperties(const std::string& unit,
                                    const std::vector<Property>& properties) {
  if (properties.empty()) return absl::OkStatus();
  dbus::Body body;
  body.PutString(unit);
  body.PutBool(true);  // until the unit ends
  PutProperties(properties, body);
  return Annotate(Call("SetUnitProperties", std::move(body)).status(),
                  absl::StrCat("systemd: change ", unit));
}

absl::Status Manager::Stop(const std::string& unit) {
  dbus::Body body;
  body.PutString(unit);
  body.PutString("replace");
  const absl::StatusOr<dbus::Message> reply = Call("StopUnit", std::move(body));
  absl::Status status = reply.ok() ? WaitForJob(*reply) : reply.status();
  if (absl::IsNotFound(status)) status = absl::OkStatus();
  // A unit that has failed is kept for somebody to look at it, and its name with it.
  dbus::Body name;
  name.PutString(unit);
  Call("ResetFailedUnit", std::move(name)).status().IgnoreError();
  return Annotate(status, absl::StrCat("systemd: stop ", unit));
}

}  // namespace tiny::systemd
