// What a compiler expects of a C library, and what the stub uses of one.
#include "init/stub.h"

// Freestanding code still gets calls to these from the compiler.
extern "C" {
__attribute__((used)) void* memcpy(void* to, const void* from, size_t size) {
  auto* out = static_cast<unsigned char*>(to);
  const auto* in = static_cast<const unsigned char*>(from);
  for (size_t i = 0; i < size; ++i) {
    out[i] = in[i];
    asm volatile("");  // or this loop becomes a call of memcpy
  }
  return to;
}

__attribute__((used)) void* memset(void* to, int value, size_t size) {
  auto* out = static_cast<unsigned char*>(to);
  for (size_t i = 0; i < size; ++i) {
    out[i] = static_cast<unsigned char>(value);
    asm volatile("");
  }
  return to;
}
}

namespace tiny::init {

size_t Length(const char* text) {
  size_t length = 0;
  while (text[length] != '\0') {
    ++length;
    asm volatile("");
  }
  return length;
}

bool StartsWith(const char* text, const char* prefix) {
  for (; *prefix != '\0'; ++prefix, ++text) {
    if (*text != *prefix) return false;
  }
  return true;
}

size_t Append(char* buffer, size_t capacity, size_t length, const char* text) {
  while (*text != '\0' && length + 1 < capacity) buffer[length++] = *text++;
  buffer[length] = '\0';
  return length;
}

void Exit(int code) {
  for (;;) RawSyscall(SYS_exit_group, code);
}

}  // namespace tiny::init
