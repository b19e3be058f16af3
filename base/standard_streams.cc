#include "base/standard_streams.h"

#include <fcntl.h>
#include <poll.h>

namespace tiny {

void OpenClosedStandardStreams() {
  pollfd streams[] = {{0, 0, 0}, {1, 0, 0}, {2, 0, 0}};
  if (poll(streams, 3, 0) <= 0) return;
  for (const pollfd& stream : streams) {
    // The lowest number that is free is the one that is given.
    if ((stream.revents & POLLNVAL) != 0) open("/dev/null", O_RDWR);
  }
}

}  // namespace tiny
