// What a cloned child does before it executes the init stub, one named step at a time.
//
// The parent compiles a plan to plain memory and open descriptors; the child only applies it.
// A step must be async-signal-safe: it allocates nothing, takes no lock, and makes its system calls
// through base/raw_syscall.h, as the child may share the parent's memory and its errno.
// Files that hold such code are named *_child.cc, and a test checks what their objects refer to.
#ifndef TINY_BASE_CHILD_STEP_H_
#define TINY_BASE_CHILD_STEP_H_

#include <cstddef>
#include <cstdint>
#include <initializer_list>

namespace tiny {

// The outcome of a step, sent to the parent as it is.
struct ChildResult {
  int32_t error_number = 0;  // 0: done
  uint32_t step = 0;         // index into the plan's steps; set by the launcher, not by the step
  char detail[240] = {};     // operation and object: "mount proc on /proc"; NUL-terminated

  bool ok() const noexcept { return error_number == 0; }
};
static_assert(sizeof(ChildResult) == 248);

// A failed step's result: `error` is a positive errno, or the negative that a raw system call
// returned. The detail is "operation object", cut to fit; either may be nullptr.
inline ChildResult ChildError(long error, const char* operation,
                              const char* object = nullptr) noexcept {
  ChildResult result;
  result.error_number = static_cast<int32_t>(error < 0 ? -error : error);
  size_t length = 0;
  for (const char* part : {operation, object}) {
    if (part == nullptr) continue;
    if (length > 0 && length < sizeof(result.detail) - 1) result.detail[length++] = ' ';
    while (*part != '\0' && length < sizeof(result.detail) - 1) result.detail[length++] = *part++;
  }
  result.detail[length] = '\0';
  return result;
}

struct ChildStep {
  const char* name;  // static: "mounts", "pivot_root"
  ChildResult (*run)(const void* argument) noexcept;
  const void* argument;  // outlives the launch
};

}  // namespace tiny

#endif  // TINY_BASE_CHILD_STEP_H_
