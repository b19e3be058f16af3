// The main of every benchmark: see bench/isolation.h.
#include <cstdio>
#include <string>

#include "absl/status/status.h"
#include "bench/isolation.h"
#include "benchmark/benchmark.h"

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  const absl::Status status = tiny::bench::EnterPrivateNamespaces();
  if (!status.ok()) {
    fprintf(stderr, "needs root: %s\n", std::string(status.message()).c_str());
    return 1;
  }
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
