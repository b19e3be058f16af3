// A terminal with a program in it: a pseudo-terminal whose other end a test types on and reads.
//
//   Terminal terminal(24, 80);
//   terminal.Start(CommandLine(RunArgs({"-it", "sh"})));
//   terminal.Type("echo $((6*7))\n");
//   EXPECT_TRUE(terminal.Shows("42"));
//   EXPECT_EQ(terminal.Finish(), 0);
#ifndef TINY_E2E_TERMINAL_H_
#define TINY_E2E_TERMINAL_H_

#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "base/unique_fd.h"

namespace tiny::e2e {

class Terminal {
 public:
  Terminal(unsigned short rows, unsigned short columns);

  // As the leader of a session whose controlling terminal this is.
  void Start(const std::vector<std::string>& command_line);
  void Type(absl::string_view keys);
  // Waits until the text has come since the last call that found its own (or 20 s have passed).
  bool Shows(const std::string& text);
  void Resize(unsigned short rows, unsigned short columns);
  // Whether the program has turned off the terminal's editing of lines.
  bool IsRaw() const;
  // Takes the terminal away, as a closed window does.
  void HangUp() { keyboard_.Reset(); }
  // The exit code, as a shell would say it.
  int Finish();

  pid_t pid() const { return pid_; }
  const std::string& shown() const { return shown_; }

 private:
  void ReadOutput();

  UniqueFd keyboard_;
  UniqueFd screen_;  // the program's end, kept open so that its settings outlive it
  pid_t pid_ = 0;
  std::string shown_;
  size_t seen_ = 0;
};

}  // namespace tiny::e2e

#endif  // TINY_E2E_TERMINAL_H_
