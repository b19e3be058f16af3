// System calls without libc: no errno, no locks, no cancellation points, no PLT.
//
// For code that runs between clone(2) and execve(2), where it may share the parent's memory and so
// its errno, and for the freestanding init stub. Each call returns what the kernel does: a result
// of 0 or more, or -errno. Async-signal-safe.
#ifndef TINY_BASE_RAW_SYSCALL_H_
#define TINY_BASE_RAW_SYSCALL_H_

#if !defined(__x86_64__) && !defined(__aarch64__)
#error "base/raw_syscall.h knows x86-64 and AArch64 only"
#endif

namespace tiny {

#if defined(__clang_analyzer__)
// It does not see what memory assembly writes to, and takes results for uninitialized.
long RawSyscall6(long number, long a, long b, long c, long d, long e, long f) noexcept;
#else
inline long RawSyscall6(long number, long a, long b, long c, long d, long e, long f) noexcept {
#if defined(__x86_64__)
  long result;
  register long r10 asm("r10") = d;
  register long r8 asm("r8") = e;
  register long r9 asm("r9") = f;
  asm volatile("syscall"
               : "=a"(result)
               : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
               : "rcx", "r11", "memory");
  return result;
#else
  register long x8 asm("x8") = number;
  register long x0 asm("x0") = a;
  register long x1 asm("x1") = b;
  register long x2 asm("x2") = c;
  register long x3 asm("x3") = d;
  register long x4 asm("x4") = e;
  register long x5 asm("x5") = f;
  asm volatile("svc #0"
               : "+r"(x0)
               : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
               : "memory");
  return x0;
#endif
}
#endif

namespace raw_syscall_internal {
inline long Word(long value) { return value; }
inline long Word(unsigned long value) { return static_cast<long>(value); }
inline long Word(int value) { return value; }
inline long Word(unsigned value) { return static_cast<long>(value); }
inline long Word(decltype(nullptr)) { return 0; }
inline long Word(const volatile void* value) { return reinterpret_cast<long>(value); }
}  // namespace raw_syscall_internal

// RawSyscall(SYS_close, fd); arguments are integers and pointers, at most six.
template <typename A = long, typename B = long, typename C = long, typename D = long,
          typename E = long, typename F = long>
inline long RawSyscall(long number, A a = 0, B b = 0, C c = 0, D d = 0, E e = 0, F f = 0) noexcept {
  using raw_syscall_internal::Word;
  return RawSyscall6(number, Word(a), Word(b), Word(c), Word(d), Word(e), Word(f));
}

}  // namespace tiny

#endif  // TINY_BASE_RAW_SYSCALL_H_
