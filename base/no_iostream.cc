// Takes the streams of the C++ library out of the programs that are linked with this file.
//
// Abseil's cord.h, and with it status.h, includes <iostream>, which makes every file that includes
// it construct a std::ios_base::Init before main: eight streams and the facets of the classic
// locale, a dozen page faults and 100 us of each start, for nothing, as no code here uses them.
// The first definition that the linker finds counts, so libstdc++'s is left in its archive.
// From GCC 13 on <iostream> does this no more, and the library's own object is left out unasked.
#include <ios>

namespace std {

ios_base::Init::Init() {}
ios_base::Init::~Init() {}

}  // namespace std
