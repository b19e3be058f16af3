// What the start-up of a static program costs that does next to nothing: beside `tiny version`.
#include <stdio.h>

int main(void) {
  puts("hello");
  return 0;
}
