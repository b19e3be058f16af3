// An engine without a kernel: containers are records in memory, and every call is noted.
#ifndef TINY_CLI_FAKE_ENGINE_H_
#define TINY_CLI_FAKE_ENGINE_H_

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "runtime/engine.h"

namespace tiny::cli {

// What all fake engines of a test share.
struct FakeHost {
  std::mutex mutex;  // of what commands do with several containers at once, by an engine for each
  std::vector<runtime::Container> containers;
  std::vector<std::string> calls;
  absl::Status start_status;
  int exit_code = 0;
  runtime::AttachOptions attach;
  runtime::ExecOptions exec;
  runtime::StopOptions stop;
};

class FakeEngine : public runtime::Engine {
 public:
  explicit FakeEngine(FakeHost* host) : host_(host) {}

  absl::StatusOr<std::string> Create(state::ContainerConfig config, Next) override {
    config.id = std::string(63, 'a') + absl::StrCat(host_->containers.size());
    if (config.name.empty()) config.name = absl::StrCat("name", host_->containers.size());
    config.created_at = absl::Now() - absl::Minutes(5);
    for (const runtime::Container& each : host_->containers) {
      if (each.config.name == config.name) {
        return absl::AlreadyExistsError(absl::StrCat("name ", config.name, " is in use"));
      }
    }
    host_->containers.push_back({config, {}});
    return config.id;
  }

  absl::StatusOr<runtime::Container> Inspect(absl::string_view reference) override {
    ASSIGN_OR_RETURN(runtime::Container * found, Find(reference));
    return *found;
  }
  absl::Status Visit(Which which, absl::FunctionRef<void(runtime::Container&)> visit,
                     std::vector<std::string>*) override {
    std::vector<runtime::Container> all;
    {
      const std::lock_guard<std::mutex> lock(host_->mutex);
      all = host_->containers;
    }
    for (runtime::Container& each : all) {
      if (which == Which::kAll || each.state.status == state::Status::kRunning ||
          each.state.status == state::Status::kPaused) {
        visit(each);
      }
    }
    return absl::OkStatus();
  }

  absl::Status Start(absl::string_view reference) override {
    ASSIGN_OR_RETURN(runtime::Container * found, Note("start", reference));
    RETURN_IF_ERROR(host_->start_status);
    found->state.status = state::Status::kRunning;
    found->state.started_at = absl::Now() - absl::Seconds(3);
    return absl::OkStatus();
  }
  absl::StatusOr<runtime::AttachResult> StartAttached(
      absl::string_view reference, const runtime::AttachOptions& options) override {
    RETURN_IF_ERROR(Start(reference));
    host_->attach = options;
    return runtime::AttachResult{.exit_code = host_->exit_code};
  }
  absl::StatusOr<runtime::AttachResult> Attach(absl::string_view reference,
                                               const runtime::AttachOptions& options) override {
    RETURN_IF_ERROR(Note("attach", reference).status());
    host_->attach = options;
    return runtime::AttachResult{.exit_code = host_->exit_code};
  }

  absl::Status Stop(absl::string_view reference, const runtime::StopOptions& options) override {
    const std::lock_guard<std::mutex> lock(host_->mutex);
    host_->stop = options;
    return SetStatus("stop", reference, state::Status::kExited);
  }
  absl::Status Restart(absl::string_view reference, const runtime::StopOptions&) override {
    return SetStatus("restart", reference, state::Status::kRunning);
  }
  absl::Status Kill(absl::string_view reference, int signal) override {
    const std::lock_guard<std::mutex> lock(host_->mutex);
    return Note(absl::StrCat("kill ", signal), reference).status();
  }
  absl::Status Pause(absl::string_view reference) override {
    return SetStatus("pause", reference, state::Status::kPaused);
  }
  absl::Status Unpause(absl::string_view reference) override {
    return SetStatus("unpause", reference, state::Status::kRunning);
  }
  absl::StatusOr<int> Wait(absl::string_view reference) override {
    const std::lock_guard<std::mutex> lock(host_->mutex);
    RETURN_IF_ERROR(Note("wait", reference).status());
    return host_->exit_code;
  }
  absl::Status Remove(absl::string_view reference, bool force, bool volumes) override {
    const std::lock_guard<std::mutex> lock(host_->mutex);
    ASSIGN_OR_RETURN(runtime::Container * found,
                     Note(absl::StrCat("rm", force ? " -f" : "", volumes ? " -v" : ""), reference));
    if (!force && found->state.status == state::Status::kRunning) {
      return absl::FailedPreconditionError("container is running");
    }
    host_->containers.erase(host_->containers.begin() + (found - host_->containers.data()));
    return absl::OkStatus();
  }
  absl::Status Rename(absl::string_view reference, absl::string_view name) override {
    ASSIGN_OR_RETURN(runtime::Container * found, Note("rename", reference));
    found->config.name = std::string(name);
    return absl::OkStatus();
  }
  absl::Status Update(absl::string_view reference,
                      const std::function<absl::Status(state::ContainerConfig&)>& change) override {
    ASSIGN_OR_RETURN(runtime::Container * found, Note("update", reference));
    return change(found->config);
  }
  absl::StatusOr<runtime::AttachResult> Exec(absl::string_view reference,
                                             const runtime::ExecOptions& options) override {
    RETURN_IF_ERROR(Note("exec", reference).status());
    host_->exec = options;
    RETURN_IF_ERROR(host_->start_status);
    return runtime::AttachResult{.exit_code = host_->exit_code};
  }
  absl::Status Connect(absl::string_view reference,
                       const state::NetworkAttachment& attachment) override {
    return Note(absl::StrCat("connect ", attachment.network), reference).status();
  }
  absl::Status Disconnect(absl::string_view reference, absl::string_view network, bool) override {
    return Note(absl::StrCat("disconnect ", network), reference).status();
  }
  absl::StatusOr<std::vector<state::PortMapping>> Publish(
      absl::string_view reference, const std::vector<state::PortMapping>& ports) override {
    RETURN_IF_ERROR(Note("publish", reference).status());
    return ports;
  }
  absl::Status Unpublish(absl::string_view reference,
                         const std::vector<state::PortMapping>&) override {
    return Note("unpublish", reference).status();
  }
  absl::StatusOr<runtime::ProcessTable> Top(absl::string_view reference,
                                            const std::vector<std::string>&) override {
    RETURN_IF_ERROR(Note("top", reference).status());
    return runtime::ProcessTable{.titles = {"PID", "CMD"}, .rows = {{"1", "sh"}}};
  }
  absl::StatusOr<runtime::StatsSample> Stats(absl::string_view reference) override {
    RETURN_IF_ERROR(Note("stats", reference).status());
    runtime::StatsSample sample;
    sample.time = absl::Now();
    sample.memory_bytes = 64 << 20;
    sample.memory_limit = 128 << 20;
    sample.pids = 3;
    return sample;
  }
  absl::StatusOr<UniqueFd> OpenRoot(absl::string_view, RootUse) override {
    return absl::UnimplementedError("the fake engine has no files");
  }
  absl::StatusOr<std::vector<runtime::Change>> Diff(absl::string_view reference) override {
    RETURN_IF_ERROR(Note("diff", reference).status());
    return std::vector<runtime::Change>{{'C', "/etc"}, {'A', "/etc/new\x1b"}, {'D', "/old"}};
  }
  absl::Status Sweep() override { return absl::OkStatus(); }

 private:
  absl::StatusOr<runtime::Container*> Find(absl::string_view reference) {
    for (runtime::Container& each : host_->containers) {
      if (each.config.name == reference || each.config.id == reference) return &each;
    }
    return absl::NotFoundError(absl::StrCat("no such container: ", reference));
  }
  absl::StatusOr<runtime::Container*> Note(absl::string_view verb, absl::string_view reference) {
    ASSIGN_OR_RETURN(runtime::Container * found, Find(reference));
    host_->calls.push_back(absl::StrCat(verb, " ", found->config.name));
    return found;
  }
  absl::Status SetStatus(absl::string_view verb, absl::string_view reference,
                         state::Status status) {
    ASSIGN_OR_RETURN(runtime::Container * found, Note(verb, reference));
    found->state.status = status;
    return absl::OkStatus();
  }

  FakeHost* host_;
};

}  // namespace tiny::cli

#endif  // TINY_CLI_FAKE_ENGINE_H_
