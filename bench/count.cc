// Prints what a command costs in system calls, page faults, forks and execs.
//
//   bazel-bin/bench/count [--payload=true] COMMAND [ARGUMENT...]
#include <sys/syscall.h>

#include <algorithm>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "bench/process_counts.h"

int main(int argc, char** argv) {
  std::vector<std::string> command(argv + 1, argv + argc);
  std::string payload = "true";
  bool verbose = false;
  while (!command.empty() && command[0].rfind("--", 0) == 0) {
    absl::string_view option = command[0];
    if (absl::ConsumePrefix(&option, "--payload=")) {
      payload = std::string(option);
    } else if (option == "--by-number") {
      verbose = true;
    } else {
      command.clear();
      break;
    }
    command.erase(command.begin());
  }
  if (command.empty()) {
    fprintf(stderr, "usage: count [--payload=NAME] [--by-number] COMMAND [ARGUMENT...]\n");
    return 2;
  }
  const auto counts = tiny::bench::CountProcesses(command, payload);
  if (!counts.ok()) {
    fprintf(stderr, "count: %s\n", std::string(counts.status().message()).c_str());
    return 1;
  }
  printf(
      "{\"system_calls\": %ld, \"page_faults\": %ld, \"forks\": %ld, \"execs\": %ld, "
      "\"peak_kilobytes\": %ld}\n",
      counts->system_calls, counts->page_faults, counts->forks, counts->execs,
      counts->peak_kilobytes);
  if (verbose) {
    std::vector<std::pair<int64_t, long>> most;
    for (const auto& [number, times] : counts->by_number) most.emplace_back(times, number);
    std::sort(most.rbegin(), most.rend());
    for (const auto& [times, number] : most) fprintf(stderr, "%6ld  syscall %ld\n", times, number);
  }
  return counts->exit_code;
}
