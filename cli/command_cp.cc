// tiny cp and tiny diff.
#include <errno.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/match.h"
#include "base/posix_status.h"
#include "base/status_macros.h"
#include "cli/commands.h"
#include "cli/container_flags.h"
#include "cli/flag_parsers/mounts.h"
#include "fs/rooted_dir.h"
#include "runtime/files/container_files.h"

namespace tiny::cli {
namespace {

struct CopyFlags {
  runtime::CopyOptions copy;
  bool quiet = false;
};

constexpr Option kCopyOptions[] = {
    {'a', "archive", "", "Keep owners", SetIn<&CopyFlags::copy, &runtime::CopyOptions::archive>},
    {'L', "follow-link", "", "Copy what a link in SOURCE points to",
     SetIn<&CopyFlags::copy, &runtime::CopyOptions::follow_link>},
    {'q', "quiet", "", "", Set<&CopyFlags::quiet>},
};
constexpr OptionGroup kCopyGroup = {"", kCopyOptions};
constexpr const OptionGroup* kCopyGroups[] = {&kCopyGroup};

// One side of a copy: "web:/etc/hosts", "./file" or "-".
struct Place {
  std::string container;  // empty: the host
  std::string path;
};

Place ParsePlace(absl::string_view text) {
  const size_t colon = text.find(':');
  const bool is_host = text == "-" || absl::StartsWith(text, "/") || absl::StartsWith(text, ".") ||
                       colon == absl::string_view::npos || colon == 0;
  if (is_host) return {.path = std::string(text)};
  Place place = {.container = std::string(text.substr(0, colon))};
  place.path = std::string(text.substr(colon + 1));
  if (!absl::StartsWith(place.path, "/")) place.path = "/" + place.path;
  return place;
}

// Where on the host: absolute, but with the "/." or "/" at its end, which mean something.
std::string HostPath(absl::string_view path) {
  return absl::StartsWith(path, "/") ? std::string(path) : absl::StrCat(CurrentFolder(), "/", path);
}

absl::StatusOr<fs::RootedDir> OpenRoot(Context& context, const std::string& name,
                                       runtime::Engine::RootUse use) {
  ASSIGN_OR_RETURN(runtime::Engine * engine, context.Engine());
  absl::StatusOr<UniqueFd> root = engine->OpenRoot(name, use);
  if (!root.ok()) return context.ExplainMissing(root.status(), name);
  return fs::RootedDir(*std::move(root));
}

// Where a container can't be written to there may be another place, or another moment.
absl::Status ExplainReadOnly(absl::Status status, const std::string& name) {
  if (GetErrno(status) != EROFS) return status;
  return WithHint(
      std::move(status),
      absl::StrCat("What is mounted read-only takes no files, nor does a throw-away root "
                   "that is not running: tiny start ",
                   name));
}

absl::StatusOr<int> RunCopy(Context& context, CopyFlags& flags, Arguments arguments) {
  const Place source = ParsePlace(arguments[0]);
  const Place destination = ParsePlace(arguments[1]);
  if (source.container.empty() == destination.container.empty()) {
    return UsageError(
        source.container.empty() ? "neither side names a container" : "both sides name a container",
        "write a container's side as NAME:PATH, such as web:/etc/hosts");
  }
  if (source.container.empty()) {
    ASSIGN_OR_RETURN(const fs::RootedDir root,
                     OpenRoot(context, destination.container, runtime::Engine::RootUse::kWrite));
    absl::Status copied =
        source.path == "-"
            ? runtime::ExtractTar(STDIN_FILENO, root, destination.path, flags.copy)
            : runtime::CopyIn(HostPath(source.path), root, destination.path, flags.copy);
    RETURN_IF_ERROR(ExplainReadOnly(std::move(copied), destination.container));
    return 0;
  }
  ASSIGN_OR_RETURN(const fs::RootedDir root,
                   OpenRoot(context, source.container, runtime::Engine::RootUse::kRead));
  if (destination.path != "-") {
    RETURN_IF_ERROR(runtime::CopyOut(root, source.path, HostPath(destination.path), flags.copy));
    return 0;
  }
  if (context.out.IsTerminal()) {
    return UsageError("a tar archive would spoil the terminal", "send it to a file or a pipe");
  }
  RETURN_IF_ERROR(runtime::WriteTar(root, source.path, STDOUT_FILENO, flags.copy));
  return 0;
}

absl::StatusOr<int> RunDiff(Context& context, NoFlags&, Arguments arguments) {
  const std::string name(arguments[0]);
  ASSIGN_OR_RETURN(runtime::Engine * engine, context.Engine());
  const absl::StatusOr<std::vector<runtime::Change>> changes = engine->Diff(name);
  if (!changes.ok()) return context.ExplainMissing(changes.status(), name);
  for (const runtime::Change& change : *changes) {
    context.out.Print(std::string(1, change.kind), " ", Printable(change.path), "\n");
  }
  return 0;
}

}  // namespace

constinit const Command kCpCommand = {
    .name = "cp",
    .aliases = kCpAliases,
    .summary = "Copy files between a container and this machine",
    .usage = "[OPTIONS] CONTAINER:SOURCE DESTINATION|-  or  SOURCE|- CONTAINER:DESTINATION",
    .details =
        "As cp -a: a folder goes into one that exists, and only its contents do where the\n"
        "source ends in \"/.\". \"-\" is a tar archive on standard input or output. Works on\n"
        "containers that do not run, too, with their volumes and binds.",
    .examples =
        "tiny cp web:/var/log/app.log .\n"
        "tiny cp ./site/. web:/srv/www\n"
        "tiny cp web:/etc - | tar t",
    .options = kCopyGroups,
    .min_arguments = 2,
    .max_arguments = 2,
    .run = Run<CopyFlags, RunCopy>,
};

constinit const Command kDiffCommand = {
    .name = "diff",
    .summary = "List the files that a container has added (A), changed (C) and deleted (D)",
    .usage = "CONTAINER",
    .details =
        "What a container with --rootfs DIR:O has changed is in memory and goes when it ends: of\n"
        "one that does not run nothing is listed.",
    .examples = "tiny diff web",
    .min_arguments = 1,
    .max_arguments = 1,
    .run = Run<NoFlags, RunDiff>,
};

}  // namespace tiny::cli
