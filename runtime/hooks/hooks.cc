#include "runtime/hooks/hooks.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/files.h"
#include "base/posix_status.h"
#include "base/process.h"
#include "base/status_macros.h"
#include "base/unique_fd.h"

namespace tiny::runtime {
namespace {

constexpr size_t kMaxMessage = 1024;

// With `first`, where it is not null, before them.
std::vector<char*> Pointers(const std::vector<std::string>& strings,
                            const std::string* first = nullptr) {
  std::vector<char*> pointers;
  if (first != nullptr) pointers.push_back(const_cast<char*>(first->c_str()));
  for (const std::string& text : strings) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

// A file in memory with that content, to be read from its beginning: unlike a pipe it takes any
// size without a reader, and can't raise SIGPIPE.
absl::StatusOr<UniqueFd> MemoryFile(absl::string_view content) {
  UniqueFd file(memfd_create("hook", MFD_CLOEXEC));
  if (!file) return PosixStatus(errno, "memfd_create");
  RETURN_IF_ERROR(WriteAll(file.get(), content, "memfd"));
  if (lseek(file.get(), 0, SEEK_SET) != 0) return PosixStatus(errno, "lseek memfd");
  return file;
}

absl::StatusOr<HookProcess> Spawn(const oci::Hook& hook, const std::string& folder, int input,
                                  int errors) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  const absl::Cleanup destroy_actions = [&] { posix_spawn_file_actions_destroy(&actions); };
  // A bundle may have been deleted while its container ran, whose poststop hooks are due all the
  // same.
  if (access(folder.c_str(), X_OK) == 0) {
    posix_spawn_file_actions_addchdir_np(&actions, folder.c_str());
  }
  posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, errors, STDERR_FILENO);
  posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);

  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  const absl::Cleanup destroy_attributes = [&] { posix_spawnattr_destroy(&attributes); };
  sigset_t none;
  sigset_t all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);

  const std::string* const name = hook.args.empty() ? &hook.path : nullptr;
  pid_t pid = 0;
  const int error = posix_spawn(&pid, hook.path.c_str(), &actions, &attributes,
                                Pointers(hook.args, name).data(), Pointers(hook.env).data());
  if (error != 0) return PosixStatus(error, "execute");
  ASSIGN_OR_RETURN(UniqueFd pidfd, OpenPidfd(pid));
  return HookProcess{pid, std::move(pidfd)};
}

// What the hook wrote to standard error last, as one line.
std::string LastWords(int errors) {
  std::string text(kMaxMessage, '\0');
  const off_t end = lseek(errors, 0, SEEK_END);
  const off_t begin = std::max<off_t>(0, end - static_cast<off_t>(kMaxMessage));
  const ssize_t got = pread(errors, text.data(), text.size(), begin);
  text.resize(got > 0 ? static_cast<size_t>(got) : 0);
  for (char& c : text) {
    if (absl::ascii_iscntrl(c)) c = ' ';
  }
  absl::StripAsciiWhitespace(&text);
  return text;
}

absl::Status Run(const oci::Hook& hook, const std::string& state, SpawnHook spawn) {
  ASSIGN_OR_RETURN(const UniqueFd input, MemoryFile(state));
  ASSIGN_OR_RETURN(const UniqueFd errors, MemoryFile(""));
  ASSIGN_OR_RETURN(const HookProcess process, spawn(hook, input.get(), errors.get()));
  const absl::Duration timeout =
      hook.timeout ? absl::Seconds(*hook.timeout) : absl::InfiniteDuration();
  const absl::StatusOr<bool> ended = WaitForExit(process.pidfd.get(), timeout);
  if (!ended.ok() || !*ended) kill(-process.pid, SIGKILL);
  ASSIGN_OR_RETURN(const int code, ReapChild(process.pidfd.get()));
  if (!ended.ok()) return ended.status();
  if (!*ended) {
    return absl::DeadlineExceededError(absl::StrCat("took longer than ", *hook.timeout, " s"));
  }
  if (code == 0) return absl::OkStatus();
  const std::string words = LastWords(errors.get());
  return absl::AbortedError(
      absl::StrCat("exited with code ", code, words.empty() ? "" : ": ", words));
}

absl::Status RunAs(absl::string_view kind, const oci::Hook& hook, const std::string& state,
                   SpawnHook spawn) {
  return Annotate(Run(hook, state, spawn), absl::StrCat(kind, " hook ", hook.path));
}

}  // namespace

absl::Status RunHooksBy(absl::string_view kind, const std::vector<oci::Hook>& hooks,
                        const std::string& state, SpawnHook spawn) {
  for (const oci::Hook& hook : hooks) RETURN_IF_ERROR(RunAs(kind, hook, state, spawn));
  return absl::OkStatus();
}

absl::Status RunHooks(absl::string_view kind, const std::vector<oci::Hook>& hooks,
                      const std::string& state, const std::string& folder) {
  return RunHooksBy(kind, hooks, state, [&](const oci::Hook& hook, int input, int errors) {
    return Spawn(hook, folder, input, errors);
  });
}

std::vector<std::string> RunAllHooks(absl::string_view kind, const std::vector<oci::Hook>& hooks,
                                     const std::string& state, const std::string& folder) {
  std::vector<std::string> failures;
  for (const oci::Hook& hook : hooks) {
    const absl::Status status = RunHooks(kind, {hook}, state, folder);
    if (!status.ok()) failures.emplace_back(status.message());
  }
  return failures;
}

}  // namespace tiny::runtime
