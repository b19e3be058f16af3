#include "cli/why.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/units.h"
#include "cli/container_view.h"

namespace tiny::cli {
namespace {

using Status = state::Status;

// Within a sentence: "about an hour".
std::string Rough(absl::Duration duration) {
  std::string text = FormatRoughDuration(duration);
  text[0] = absl::ascii_tolower(static_cast<unsigned char>(text[0]));
  return text;
}

std::string Lifetime(const state::ContainerState& state, absl::Time now) {
  if (state.finished_at == absl::InfinitePast()) return "at an unknown time";
  return absl::StrCat(Rough(now - state.finished_at), " ago, after ",
                      Rough(state.finished_at - state.started_at));
}

void AddEnd(const runtime::Container& container, absl::Time now,
            std::vector<std::string>* sentences) {
  const state::ContainerState& state = container.state;
  const state::ResourceConfig& limits = container.config.resources;
  sentences->push_back(absl::StrCat(container.config.name, " ended ", Lifetime(state, now), ": ",
                                    ExplainExitCode(state.exit_code), "."));
  if (state.oom_killed) {
    sentences->push_back(
        limits.memory > 0
            ? absl::StrCat("The kernel killed a process of it for want of memory: its limit is ",
                           FormatBinaryBytes(static_cast<uint64_t>(limits.memory)),
                           ". Give it more with `tiny update -m`.")
            : "The kernel killed a process of it for want of memory: the machine had no more.");
  }
  if (state.manually_stopped) {
    sentences->push_back(
        state.exit_code == 137 && !state.oom_killed
            ? "It was asked to stop and did not do so in time, or was killed, by a command of tiny."
            : "It was stopped by a command of tiny.");
  } else if (state.exit_code == 137 && !state.oom_killed) {
    sentences->push_back(
        "Neither tiny nor the limit of its memory did that: another process sent the signal, or "
        "the machine was out of memory.");
  }
}

}  // namespace

std::string ExplainExitCode(int code) {
  if (code < 0) return "nobody saw with which code, as its supervisor was gone";
  if (code == 0) return "its program was done and successful (exit code 0)";
  if (code == 126) return "its program could not be run (exit code 126)";
  if (code == 127) return "its program was not found (exit code 127)";
  if (code > 128 && code <= 128 + 64) {
    return absl::StrCat("it was killed by ", SignalName(code - 128), " (exit code ", code, ")");
  }
  return absl::StrCat("its program failed with exit code ", code);
}

std::vector<std::string> ExplainState(const runtime::Container& container, absl::Time now) {
  const state::ContainerConfig& config = container.config;
  const state::ContainerState& state = container.state;
  std::vector<std::string> sentences;
  switch (state.status) {
    case Status::kCreated:
      sentences.push_back(absl::StrCat(config.name, " was created ", Rough(now - config.created_at),
                                       " ago and has not been started."));
      break;
    case Status::kRunning:
    case Status::kPaused:
      sentences.push_back(absl::StrCat(config.name, " has run for ", Rough(now - state.started_at),
                                       state.status == Status::kPaused ? " and is paused." : "."));
      break;
    case Status::kRestarting:
    case Status::kExited:
    case Status::kDead:
    case Status::kRemoving:
      AddEnd(container, now, &sentences);
      break;
  }
  if (!state.error.empty()) sentences.push_back(absl::StrCat("The error was: ", state.error, "."));
  if (state.restart_count > 0 || config.restart_policy.name != "no") {
    sentences.push_back(absl::StrCat("It was restarted ", state.restart_count,
                                     " times; its restart policy is ", config.restart_policy.name,
                                     "."));
  }
  if (!state.health.status.empty()) {
    std::string text = absl::StrCat("Its health is ", state.health.status);
    if (state.health.failing_streak > 0) {
      absl::StrAppend(&text, ": the last ", state.health.failing_streak, " checks failed");
    }
    if (!state.health.log.empty()) {
      absl::StrAppend(&text, "; the last said: ", state.health.log.back().output);
    }
    sentences.push_back(absl::StrCat(text, "."));
  }
  return sentences;
}

}  // namespace tiny::cli
