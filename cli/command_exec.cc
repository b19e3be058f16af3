// tiny exec and tiny attach.
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/posix_status.h"
#include "base/status_macros.h"
#include "cli/commands.h"
#include "cli/container_flags.h"
#include "cli/flag_parsers/policies.h"

namespace tiny::cli {
namespace {

struct ExecFlags {
  runtime::ExecOptions exec;
  std::vector<std::string> env;
  std::vector<std::string> env_files;
};

constexpr Option kExecOptions[] = {
    {'d', "detach", "", "Run it in the background",
     SetIn<&ExecFlags::exec, &runtime::ExecOptions::detach>},
    {'i', "interactive", "", "Keep standard input open",
     SetIn<&ExecFlags::exec, &runtime::ExecOptions::interactive>},
    {'t', "tty", "", "Give it a terminal", SetIn<&ExecFlags::exec, &runtime::ExecOptions::tty>},
    {'e', "env", "name[=value]", "Set a variable, or pass on one of yours", Set<&ExecFlags::env>},
    {0, "env-file", "file", "Read variables from a file", Set<&ExecFlags::env_files>},
    {'u', "user", "user[:group]", "User by name or number",
     SetIn<&ExecFlags::exec, &runtime::ExecOptions::user>},
    {'w', "workdir", "dir", "Working folder in the container",
     Apply<[](ExecFlags& f, absl::string_view v) {
       return SetWorkingDir(v, &f.exec.working_dir);
     }>},
    {0, "privileged", "", "Give it all capabilities",
     SetIn<&ExecFlags::exec, &runtime::ExecOptions::privileged>},
    {0, "detach-keys", "keys", "Keys that leave it running (default ctrl-p,ctrl-q)",
     Apply<[](ExecFlags& f, absl::string_view v) {
       f.exec.detach_keys = std::string(v);
       return CheckDetachKeys(v);
     }>},
};
constexpr OptionGroup kExecGroup = {"", kExecOptions};
constexpr const OptionGroup* kExecGroups[] = {&kExecGroup};

absl::Status SetEnvironment(ExecFlags& flags) {
  for (const std::string& path : flags.env_files) {
    const absl::StatusOr<std::string> contents = ReadFile(path);
    RETURN_IF_ERROR(Annotate(contents.status(), "--env-file"));
    RETURN_IF_ERROR(Annotate(AddEnvFile(*contents, LookUpEnv, &flags.exec.env),
                             absl::StrCat("--env-file ", path)));
  }
  for (const std::string& each : flags.env) {
    RETURN_IF_ERROR(Annotate(AddEnv(each, LookUpEnv, &flags.exec.env), "--env"));
  }
  return absl::OkStatus();
}

absl::StatusOr<int> RunExec(Context& context, ExecFlags& flags, Arguments arguments) {
  if (flags.exec.tty && flags.exec.interactive && !flags.exec.detach && isatty(STDIN_FILENO) != 1) {
    return UsageError("-t: the input is not a terminal", "leave -t out, or use a terminal");
  }
  if (const absl::Status status = SetEnvironment(flags); !status.ok()) {
    return UsageError(status.message());
  }
  for (const absl::string_view word : arguments.subspan(1)) {
    flags.exec.command.emplace_back(word);
  }
  ASSIGN_OR_RETURN(runtime::Engine * engine, context.Engine());
  const absl::StatusOr<runtime::AttachResult> result = engine->Exec(arguments[0], flags.exec);
  if (!result.ok()) {
    // An error with an errno is about the program, not about the container's name.
    context.PrintError(GetErrno(result.status()).has_value()
                           ? result.status()
                           : context.ExplainMissing(result.status(), arguments[0]));
    return context.exec_error_code(result.status());
  }
  if (result->detached) context.err.Write("read escape sequence\n");
  return result->ClientCode();
}

struct AttachFlags {
  bool no_stdin = false;
  runtime::AttachOptions attach;
};

constexpr Option kAttachOptions[] = {
    {0, "no-stdin", "", "Do not attach standard input", Set<&AttachFlags::no_stdin>},
    {0, "sig-proxy", "", "Pass signals on to the container (default true)",
     SetIn<&AttachFlags::attach, &runtime::AttachOptions::signal_proxy>},
    {0, "detach-keys", "keys", "Keys that leave it running (default ctrl-p,ctrl-q)",
     Apply<[](AttachFlags& f, absl::string_view v) {
       f.attach.detach_keys = std::string(v);
       return CheckDetachKeys(v);
     }>},
};
constexpr OptionGroup kAttachGroup = {"", kAttachOptions};
constexpr const OptionGroup* kAttachGroups[] = {&kAttachGroup};

absl::StatusOr<int> RunAttach(Context& context, AttachFlags& flags, Arguments arguments) {
  ASSIGN_OR_RETURN(runtime::Engine * engine, context.Engine());
  absl::StatusOr<runtime::Container> container = engine->Inspect(arguments[0]);
  if (!container.ok()) return context.ExplainMissing(container.status(), arguments[0]);
  flags.attach.stdin_open = container->config.open_stdin && !flags.no_stdin;
  ASSIGN_OR_RETURN(const runtime::AttachResult result,
                   engine->Attach(container->config.id, flags.attach));
  if (result.detached) context.err.Write("read escape sequence\n");
  return result.ClientCode();
}

}  // namespace

constinit const Command kExecCommand = {
    .name = "exec",
    .summary = "Run one more program in a running container",
    .usage = "[OPTIONS] CONTAINER COMMAND [ARG...]",
    .details =
        "Exits as the program does; 127 when it was not found, 126 when it could not be run,\n"
        "1 when the container does not run.",
    .examples =
        "tiny exec -it web sh\n"
        "tiny exec -u nobody -w /tmp web id",
    .options = kExecGroups,
    .style = {.stop_at_positional = true},
    .min_arguments = 2,
    .run = Run<ExecFlags, RunExec>,
};

constinit const Command kAttachCommand = {
    .name = "attach",
    .summary = "Join your terminal to a running container",
    .usage = "[OPTIONS] CONTAINER",
    .details = "Leave it with ctrl-p ctrl-q; it goes on. Exits as the container does.",
    .examples = "tiny attach shell\ntiny attach --no-stdin web",
    .options = kAttachGroups,
    .min_arguments = 1,
    .max_arguments = 1,
    .run = Run<AttachFlags, RunAttach>,
};

}  // namespace tiny::cli
