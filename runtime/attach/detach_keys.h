// The keys that detach a client from a container, "ctrl-p,ctrl-q" as Docker has it.
//
//   ASSIGN_OR_RETURN(DetachKeys keys, DetachKeys::Parse("ctrl-p,ctrl-q"));
//   std::string out;
//   if (keys.Feed(input, out)) ...   // detached; `out` is what comes before the keys
//
// The keys may be split over any number of reads. Thread-compatible.
#ifndef TINY_RUNTIME_ATTACH_DETACH_KEYS_H_
#define TINY_RUNTIME_ATTACH_DETACH_KEYS_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tiny::runtime {

class DetachKeys {
 public:
  // A comma-separated list of single characters and ctrl-X, X one of a-z @ [ \ ] ^ _. Empty: no
  // keys, and nothing ever detaches. kInvalidArgument for anything else.
  static absl::StatusOr<DetachKeys> Parse(absl::string_view text);

  // Appends to `out` what is for the container; true when the keys are complete, and what follows
  // them is dropped. Bytes that may begin the keys are held back until the next call decides.
  bool Feed(absl::string_view input, std::string& out);

  // True while bytes are held back. Release gives them up to `out`, so that a lone ctrl-p reaches
  // the program after a moment; the keys can still be completed by what comes next.
  bool holding() const { return held_ > released_; }
  void Release(std::string& out);

 private:
  std::string keys_;
  size_t held_ = 0;      // how many of keys_ have been seen
  size_t released_ = 0;  // and how many of those were passed on already
};

}  // namespace tiny::runtime

#endif  // TINY_RUNTIME_ATTACH_DETACH_KEYS_H_
