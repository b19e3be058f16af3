// Reads a config.json, checks it, and prints what it would run and where.
//   oci_example config.json

#include <cstdio>
#include <string>

#include "base/files.h"
#include "oci/spec_parser.h"
#include "oci/spec_validator.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: oci_example config.json\n");
    return 2;
  }
  const absl::StatusOr<std::string> text = tiny::ReadFile(argv[1]);
  absl::StatusOr<tiny::oci::Spec> spec =
      text.ok() ? tiny::oci::ParseSpec(*text) : absl::StatusOr<tiny::oci::Spec>(text.status());
  if (spec.ok()) {
    if (const absl::Status valid = tiny::oci::ValidateSpec(*spec); !valid.ok()) spec = valid;
  }
  if (!spec.ok()) {
    // "linux.resources.memory.limit: expected an integer, found a string"
    std::fprintf(stderr, "%s: %s\n", argv[1], std::string(spec.status().message()).c_str());
    return 1;
  }
  std::printf("root: %s%s\n", spec->root->path.c_str(), spec->root->readonly ? " (read-only)" : "");
  if (spec->process) {
    std::printf("program:");
    for (const std::string& argument : spec->process->args) std::printf(" %s", argument.c_str());
    std::printf("\nuser: %u:%u\n", spec->process->user.uid, spec->process->user.gid);
  }
  for (const tiny::oci::Namespace& ns : spec->linux_.namespaces) {
    std::printf("namespace: %s %s\n", ns.type.c_str(), ns.path.empty() ? "(new)" : ns.path.c_str());
  }
  for (const tiny::oci::Mount& mount : spec->mounts) {
    std::printf("mount: %s (%s)\n", mount.destination.c_str(), mount.type.c_str());
  }
  return 0;
}
