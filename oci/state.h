// The state of a container as the runtime reports it and hooks get it on their standard input.
//
// Source: runtime-spec, runtime.md, "State". Its ociVersion is kSpecVersion, whatever version the
// container's configuration is of: the one "with which the state complies". Thread-compatible.
#ifndef TINY_OCI_STATE_H_
#define TINY_OCI_STATE_H_

#include <sys/types.h>

#include <map>
#include <string>

namespace tiny::oci {

// The newest version of the specification that is implemented.
inline constexpr char kSpecVersion[] = "1.3.0";

struct State {
  std::string id;
  std::string status;  // "creating", "created", "running", "stopped"
  pid_t pid = 0;       // as the host sees it; left out when 0
  std::string bundle;  // absolute
  std::map<std::string, std::string> annotations;
};

// One line of JSON without a newline.
std::string SerializeState(const State& state);

// Likewise, the "container process state" that goes to a seccomp agent with the descriptor of the
// filter: config-linux.md, "The Container Process State". `pid` is of the process that is filtered.
std::string SerializeProcessState(const State& state, pid_t pid, const std::string& metadata);

}  // namespace tiny::oci

#endif  // TINY_OCI_STATE_H_
