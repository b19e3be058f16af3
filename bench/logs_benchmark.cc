// How fast a container's output is kept and read back: bytes per second of its text.
//
//   sudo bazel run -c opt //bench:logs
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/unique_fd.h"
#include "bench/isolation.h"
#include "benchmark/benchmark.h"
#include "logs/log_reader.h"
#include "logs/log_writer.h"

namespace tiny::bench {
namespace {

constexpr int kLines = 1000;

std::string MakeChunk(int line_length) {
  std::string chunk;
  for (int i = 0; i < kLines; ++i) {
    chunk.append(line_length - 1, static_cast<char>('a' + i % 26));
    chunk += '\n';
  }
  return chunk;
}

logs::LogOptions MakeOptions(logs::Format format) {
  logs::LogOptions options;
  options.format = format;
  return options;
}

// Rotation at the default size is part of it.
void BM_Ingest(benchmark::State& state, logs::Format format) {
  const UniqueFd directory(open(ScratchDirectory().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  absl::StatusOr<logs::LogWriter> writer =
      logs::LogWriter::Open(directory.get(), MakeOptions(format));
  if (!writer.ok()) return state.SkipWithError("open");
  const std::string chunk = MakeChunk(static_cast<int>(state.range(0)));
  for ([[maybe_unused]] auto _ : state) writer->Append(logs::Stream::kStdout, chunk, absl::Now());
  if (writer->stats().dropped_lines != 0) state.SkipWithError("lines were dropped");
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * chunk.size()));
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()) * kLines);
}
BENCHMARK_CAPTURE(BM_Ingest, k8s_file, logs::Format::kK8sFile)->Arg(80)->Arg(1000);
BENCHMARK_CAPTURE(BM_Ingest, json_file, logs::Format::kJsonFile)->Arg(80)->Arg(1000);

void BM_Read(benchmark::State& state, logs::Format format) {
  const std::string path = absl::StrCat(ScratchDirectory(), "/", static_cast<int>(format));
  mkdir(path.c_str(), 0755);
  const UniqueFd directory(open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  absl::StatusOr<logs::LogWriter> writer =
      logs::LogWriter::Open(directory.get(), MakeOptions(format));
  if (!writer.ok()) return state.SkipWithError("open");
  const std::string chunk = MakeChunk(80);
  for (int i = 0; i < 50; ++i) writer->Append(logs::Stream::kStdout, chunk, absl::Now());
  int64_t bytes = 0;
  int64_t lines = 0;
  for ([[maybe_unused]] auto _ : state) {
    absl::StatusOr<logs::LogReader> reader = logs::LogReader::Open(path, format, {});
    if (!reader.ok()) return state.SkipWithError("read");
    logs::LogRecord record;
    while (reader->Next(&record)) {
      bytes += static_cast<int64_t>(record.text.size()) + 1;
      ++lines;
    }
  }
  if (lines == 0) state.SkipWithError("nothing was read");
  state.SetBytesProcessed(bytes);
  state.SetItemsProcessed(lines);
}
BENCHMARK_CAPTURE(BM_Read, k8s_file, logs::Format::kK8sFile);
BENCHMARK_CAPTURE(BM_Read, json_file, logs::Format::kJsonFile);

}  // namespace
}  // namespace tiny::bench
