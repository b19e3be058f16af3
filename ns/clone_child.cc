#include "ns/clone_child.h"

#include <sys/syscall.h>

namespace tiny::ns {

// The compiler must not know about the child: what it keeps in registers or below the stack pointer
// is the parent's. With a stack of its own, the child starts at its top.
long CloneInto(clone_args* args, void (*function)(void*), void* argument) noexcept {
  long result;
#if defined(__x86_64__)
  register void (*call)(void*) asm("r8") = function;
  register void* value asm("r9") = argument;
  asm volatile(
      "syscall\n"
      "test %%rax, %%rax\n"
      "jnz 1f\n"
      "xor %%ebp, %%ebp\n"
      "and $-16, %%rsp\n"
      "mov %[value], %%rdi\n"
      "call *%[call]\n"
      "ud2\n"
      "1:\n"
      : "=a"(result)
      : "a"(SYS_clone3), "D"(args), "S"(sizeof(*args)), [call] "r"(call), [value] "r"(value)
      : "rcx", "r11", "memory");
#else
  register long x8 asm("x8") = SYS_clone3;
  register long x0 asm("x0") = reinterpret_cast<long>(args);
  register long x1 asm("x1") = sizeof(*args);
  register void (*call)(void*) asm("x9") = function;
  register void* value asm("x10") = argument;
  asm volatile(
      "svc #0\n"
      "cbnz x0, 1f\n"
      "mov x29, #0\n"
      "mov x0, %[value]\n"
      "blr %[call]\n"
      "brk #0\n"
      "1:\n"
      : "+r"(x0)
      : "r"(x8), "r"(x1), [call] "r"(call), [value] "r"(value)
      : "memory");
  result = x0;
#endif
  return result;
}

}  // namespace tiny::ns
