// Writes to a descriptor of this process's own (its stdout) without ever blocking in write(2), and
// without setting O_NONBLOCK on what it shares with the shell that started it.
#ifndef TINY_RUNTIME_ATTACH_OUTPUT_SINK_H_
#define TINY_RUNTIME_ATTACH_OUTPUT_SINK_H_

#include <string>

#include "absl/strings/string_view.h"
#include "base/unique_fd.h"

namespace tiny::runtime {

// Holds at most what one Write gave it. Thread-compatible.
class OutputSink {
 public:
  explicit OutputSink(int fd);

  // Takes all of `data`: writes what can be written at once and keeps the rest. Only while empty().
  void Write(absl::string_view data);
  // Writes more of what was kept; to be called when fd() is writable.
  void Flush();

  bool empty() const { return rest_.empty(); }
  // Nobody reads any more, or there is no such descriptor: all is dropped from now on.
  bool broken() const { return broken_; }
  // It could not be written, as the user was told, and is dropped.
  bool failed() const { return failed_; }
  int fd() const { return own_ ? own_.get() : fd_; }
  bool is_terminal() const { return kind_ == Kind::kTerminal; }

 private:
  enum class Kind { kFile, kTerminal, kPipe, kSocket };
  size_t WriteSome(absl::string_view data);

  int fd_;
  Kind kind_ = Kind::kFile;
  UniqueFd own_;  // the same pipe or terminal, opened again with O_NONBLOCK
  std::string rest_;
  bool broken_ = false;
  bool failed_ = false;
};

}  // namespace tiny::runtime

#endif  // TINY_RUNTIME_ATTACH_OUTPUT_SINK_H_
