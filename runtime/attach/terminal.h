// The client's own terminal: raw mode for as long as it is joined to a container's, and its size.
#ifndef TINY_RUNTIME_ATTACH_TERMINAL_H_
#define TINY_RUNTIME_ATTACH_TERMINAL_H_

#include <termios.h>

#include <optional>

#include "runtime/attach/protocol.h"

namespace tiny::runtime {

// Puts a terminal in raw mode (cfmakeraw(3)) and restores it when destroyed. A descriptor that is
// no terminal is left alone. Thread-compatible.
class RawTerminal {
 public:
  RawTerminal() = default;
  explicit RawTerminal(int fd);
  ~RawTerminal() { Restore(); }
  RawTerminal(RawTerminal&& other) noexcept;
  RawTerminal& operator=(RawTerminal&& other) noexcept;

  bool active() const { return fd_ >= 0; }
  // Typed-ahead input is kept, and nothing is waited for.
  void Restore();

 private:
  int fd_ = -1;
  termios saved_ = {};
};

// The size of the first terminal among stdin, stdout and stderr; 0x0 where there is none.
WindowSize OwnWindowSize();

// TIOCSWINSZ. A size of 0x0 is ignored.
void SetWindowSize(int terminal, WindowSize size);

}  // namespace tiny::runtime

#endif  // TINY_RUNTIME_ATTACH_TERMINAL_H_
