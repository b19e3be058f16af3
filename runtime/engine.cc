#include "runtime/engine.h"

#include <sys/wait.h>

#include <utility>

#include "base/status_macros.h"
#include "runtime/engine_impl.h"
#include "runtime/run_directory.h"

namespace tiny::runtime {

absl::StatusOr<std::unique_ptr<Engine>> Engine::Open(const EngineOptions& options) {
  ASSIGN_OR_RETURN(state::StateStore store, state::StateStore::Open(options.root));
  return std::make_unique<EngineImpl>(options, std::move(store));
}

EngineImpl::~EngineImpl() {
  // Those that live on are adopted by the machine's init.
  for (const pid_t pid : supervisors_) waitpid(pid, nullptr, WNOHANG);
}

std::string EngineImpl::SocketOf(const Container& container) const {
  return AttachSocket(options_.run_root, container.config.id);
}

}  // namespace tiny::runtime
