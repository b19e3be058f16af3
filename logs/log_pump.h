// Moves what a program writes into its log, and to whoever else wants it, from an event loop.
//
//   LogPump pump(&writer);                       // or LogPump(nullptr): driver "none"
//   // the loop says that out_fd is readable:
//   switch (pump.Pump(out_fd, Stream::kStdout, [&](absl::string_view bytes) { relay(bytes); })) {
//
// The descriptor must be non-blocking. One buffer serves all streams, and is made at the first
// byte, as most containers are silent. Thread-compatible.
#ifndef TINY_LOGS_LOG_PUMP_H_
#define TINY_LOGS_LOG_PUMP_H_

#include <memory>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "logs/log_format.h"
#include "logs/log_writer.h"

namespace tiny::logs {

class LogPump {
 public:
  enum class Result {
    kDrained,  // nothing left to read now
    kMore,     // stopped after `kBudget` bytes, so that other descriptors get their turn
    kEnd,      // end of file (EIO of a terminal whose other side is closed is one)
  };
  static constexpr size_t kBudget = size_t{1} << 20;

  explicit LogPump(LogWriter* writer) : writer_(writer) {}

  // Reads until there is nothing more, logs it, and calls `tee` with each piece as it was read.
  Result Pump(int fd, Stream stream, absl::FunctionRef<void(absl::string_view)> tee);
  Result Pump(int fd, Stream stream) {
    return Pump(fd, stream, [](absl::string_view) {});
  }

 private:
  LogWriter* writer_;
  std::unique_ptr<char[]> buffer_;
};

}  // namespace tiny::logs

#endif  // TINY_LOGS_LOG_PUMP_H_
