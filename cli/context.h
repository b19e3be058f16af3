// What a command works with: where it prints, and the engine, opened when it is first needed.
#ifndef TINY_CLI_CONTEXT_H_
#define TINY_CLI_CONTEXT_H_

#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cli/output.h"
#include "runtime/engine.h"
#include "runtime/network/doctor.h"
#include "runtime/network/network_manager.h"

namespace tiny::cli {

// Thread-compatible.
struct Context {
  using EngineOpener =
      absl::StatusOr<std::unique_ptr<runtime::Engine>> (*)(const runtime::EngineOptions&);

  Output& out;
  Output& err;
  runtime::EngineOptions options = {};
  EngineOpener open_engine = nullptr;
  // runtime::NetworkManager::Open.
  absl::StatusOr<std::unique_ptr<runtime::NetworkManager>> (*open_networks)(
      runtime::NetworkManagerOptions) = nullptr;
  // runtime::DiagnoseNetwork.
  absl::StatusOr<std::vector<runtime::Diagnosis>> (*diagnose_network)(
      const runtime::DoctorOptions&, const state::ContainerConfig&,
      const state::ContainerState&) = nullptr;
  // runtime::ExitCodeOfStartError: 125, 126 or 127.
  int (*start_error_code)(const absl::Status&) = nullptr;
  // runtime::ExitCodeOfExecError: 1, 126 or 127.
  int (*exec_error_code)(const absl::Status&) = nullptr;
  std::unique_ptr<runtime::Engine> engine = {};

  absl::StatusOr<runtime::Engine*> Engine();
  // The networks below the same folders, whose notes are printed on `err`. The context must outlive
  // them.
  absl::StatusOr<std::unique_ptr<runtime::NetworkManager>> Networks() const;

  // The error with "did you mean" for a container that does not exist.
  absl::Status ExplainMissing(absl::Status status, absl::string_view reference);

  // "tiny: <message>" and "hint: <hint>" on `err`; control bytes made visible.
  void PrintError(const absl::Status& status);
  // One "tiny: warning: ..." line on `err`.
  void PrintWarning(absl::string_view text);
};

}  // namespace tiny::cli

#endif  // TINY_CLI_CONTEXT_H_
