#include "cli/output.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "absl/strings/str_format.h"
#include "base/utf8.h"
#include "cli/utf8.h"

namespace tiny::cli {
namespace {
constexpr size_t kBufferSize = size_t{64} << 10;
}  // namespace

void Output::Write(absl::string_view bytes) {
  buffer_.append(bytes.data(), bytes.size());
  if (fd_ >= 0 && buffer_.size() >= kBufferSize) Flush();
}

void Output::Flush() {
  if (fd_ < 0) return;
  absl::string_view left = buffer_;
  while (!left.empty() && error_ == 0) {
    const ssize_t written = write(fd_, left.data(), left.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      error_ = errno;
    } else {
      left.remove_prefix(written);
    }
  }
  buffer_.clear();
}

bool Output::IsTerminal() const { return fd_ >= 0 && isatty(fd_) == 1; }

int Output::Columns() const {
  winsize size;
  if (fd_ < 0 || ioctl(fd_, TIOCGWINSZ, &size) != 0) return 0;
  return size.ws_col;
}

std::string Printable(absl::string_view text, bool keep_lines) {
  std::string result;
  result.reserve(text.size());
  while (true) {
    const size_t plain = PlainPrefix(text);
    result.append(text.data(), plain);
    text.remove_prefix(plain);
    if (text.empty()) return result;
    const Utf8Char next = DecodeUtf8(text);
    const bool kept_control = keep_lines && (next.code == '\n' || next.code == '\t');
    if (next.valid && (kept_control || !IsControl(next.code))) {
      result.append(text.data(), next.length);
    } else {
      for (size_t i = 0; i < next.length; ++i) {
        absl::StrAppendFormat(&result, "\\x%02x", static_cast<uint8_t>(text[i]));
      }
    }
    text.remove_prefix(next.length);
  }
}

}  // namespace tiny::cli
