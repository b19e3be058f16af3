// Keeps what is read from standard input as a container's log would be, and shows its end.
//   seq 100000 | bazel-bin/examples/logs_example /tmp/log
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "base/files.h"
#include "base/status_macros.h"
#include "logs/log_reader.h"
#include "logs/log_writer.h"

namespace {

absl::Status KeepAndShow(const char* folder) {
  mkdir(folder, 0700);
  ASSIGN_OR_RETURN(const tiny::UniqueFd directory, tiny::OpenFile(folder, O_RDONLY | O_DIRECTORY));
  tiny::logs::LogOptions options;
  options.max_size = 1 << 20;
  ASSIGN_OR_RETURN(tiny::logs::LogWriter writer,
                   tiny::logs::LogWriter::Open(directory.get(), options));
  char chunk[32 << 10];
  ssize_t count;
  while ((count = read(STDIN_FILENO, chunk, sizeof(chunk))) > 0) {
    writer.Append(tiny::logs::Stream::kStdout, {chunk, static_cast<size_t>(count)}, absl::Now());
  }
  writer.Finish(absl::Now());
  printf("%lu lines kept, %lu rotations; the last three:\n", writer.stats().lines,
         writer.stats().rotations);
  ASSIGN_OR_RETURN(tiny::logs::LogReader reader,
                   tiny::logs::LogReader::Open(folder, options.format, {.tail = 3}));
  tiny::logs::LogRecord record;
  while (reader.Next(&record)) {
    printf("%s %s\n", absl::FormatTime(record.time).c_str(), std::string(record.text).c_str());
  }
  return reader.status();
}

}  // namespace

int main(int argc, char** argv) {
  const absl::Status status = KeepAndShow(argc > 1 ? argv[1] : "/tmp/tiny-log");
  if (status.ok()) return 0;
  fprintf(stderr, "%s\n", std::string(status.message()).c_str());
  return 1;
}
