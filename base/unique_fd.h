// A file descriptor that closes itself.
//
//   UniqueFd fd(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
//   if (!fd) return PosixStatus(errno, "open /proc/self/ns/net");
#ifndef TINY_BASE_UNIQUE_FD_H_
#define TINY_BASE_UNIQUE_FD_H_

#include <unistd.h>

#include <utility>

namespace tiny {

// Owns one descriptor, or none (-1). Thread-compatible.
class UniqueFd {
 public:
  UniqueFd() noexcept = default;
  explicit UniqueFd(int fd) noexcept : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(other.Release()) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    Reset(other.Release());
    return *this;
  }
  ~UniqueFd() { Reset(); }

  int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }
  [[nodiscard]] int Release() noexcept { return std::exchange(fd_, -1); }

  // Closes what is held. close(2) is never retried: on Linux the descriptor is gone even on EINTR.
  void Reset(int fd = -1) noexcept {
    if (fd_ >= 0) close(fd_);
    fd_ = fd;
  }

 private:
  int fd_ = -1;
};

}  // namespace tiny

#endif  // TINY_BASE_UNIQUE_FD_H_
