// Where a command prints: a buffered descriptor, or a string in tests.
//
//   Output out(STDOUT_FILENO);
//   out.Print("hello ", 3, "\n");   // as absl::StrCat
//
// Thread-compatible.
#ifndef TINY_CLI_OUTPUT_H_
#define TINY_CLI_OUTPUT_H_

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace tiny::cli {

class Output {
 public:
  // `fd` is borrowed; -1 keeps everything in text().
  explicit Output(int fd) : fd_(fd) {}
  ~Output() { Flush(); }
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  // Bytes as they are. A reader that has gone is no error: the kernel's SIGPIPE ends the command.
  void Write(absl::string_view bytes);
  void Flush();
  // The errno of the first write that failed, after which all is dropped; 0 for none.
  int error() const { return error_; }

  template <typename... Parts>
  void Print(const Parts&... parts) {
    Write(absl::StrCat(parts...));
  }

  bool IsTerminal() const;
  int Columns() const;  // of the terminal; 0 where it is none
  int fd() const { return fd_; }
  const std::string& text() const { return buffer_; }  // what is not flushed yet

 private:
  int fd_;
  int error_ = 0;
  std::string buffer_;
};

// `text` with the bytes that would steer a terminal (C0, DEL, C1 and broken UTF-8) written as
// \xHH, so that what a container calls itself cannot do more than be read. With `keep_lines`,
// newlines and tabs stay.
std::string Printable(absl::string_view text, bool keep_lines = false);

}  // namespace tiny::cli

#endif  // TINY_CLI_OUTPUT_H_
