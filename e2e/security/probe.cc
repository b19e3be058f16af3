#include "e2e/security/probe.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

namespace tiny::e2e {

const char* ErrnoName(long result) {
  return result >= 0 ? "ok" : strerrorname_np(static_cast<int>(-result));
}

namespace {

struct Entry {
  const char* name;
  ProbeCommand run;
};

constexpr Entry kCommands[] = {
    {"syscalls", ProbeSyscalls},   {"writable", ProbeWritable},   {"fds", ProbeDescriptors},
    {"mounts", ProbeMounts},       {"process", ProbeProcess},     {"terminals", ProbeTerminals},
    {"forbidden", ProbeForbidden}, {"overwrite", ProbeOverwrite}, {"exchange", ProbeExchange},
    {"keys", ProbeKeys},
};

int Main(int argc, char** argv) {
  setvbuf(stdout, nullptr, _IOLBF, 0);
  for (const Entry& entry : kCommands) {
    if (argc > 1 && strcmp(argv[1], entry.name) == 0) return entry.run(argc - 2, argv + 2);
  }
  fprintf(stderr, "probe: no such command\n");
  return 2;
}

}  // namespace
}  // namespace tiny::e2e

int main(int argc, char** argv) { return tiny::e2e::Main(argc, argv); }
