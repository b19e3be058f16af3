// Descriptors 0 to 2, which a program may have been started without.
#ifndef TINY_BASE_STANDARD_STREAMS_H_
#define TINY_BASE_STANDARD_STREAMS_H_

namespace tiny {

// Opens those that are closed on /dev/null: else the next file to be opened would be taken for one
// of them. For the beginning of main().
void OpenClosedStandardStreams();

}  // namespace tiny

#endif  // TINY_BASE_STANDARD_STREAMS_H_
