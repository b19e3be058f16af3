#include "state/names.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace tiny::state {
namespace {

constexpr absl::string_view kAdjectives[] = {
    "able",    "agile",  "airy",    "alert",    "amber",  "ample",    "apt",      "arctic",
    "ardent",  "azure",  "balmy",   "blithe",   "bold",   "brave",    "breezy",   "bright",
    "brisk",   "bubbly", "calm",    "candid",   "cheery", "chirpy",   "civil",    "classy",
    "clear",   "clever", "cobalt",  "copper",   "coral",  "cosmic",   "cosy",     "crisp",
    "curious", "dapper", "daring",  "dazzling", "deft",   "dewy",     "droll",    "eager",
    "earnest", "easy",   "elated",  "elfin",    "epic",   "exact",    "fabled",   "fair",
    "fancy",   "feisty", "fleet",   "fluent",   "fond",   "frank",    "fresh",    "frosty",
    "gallant", "gentle", "gifted",  "gilded",   "glad",   "gleaming", "golden",   "grand",
    "hardy",   "hearty", "honest",  "humble",   "ideal",  "indigo",   "intrepid", "ivory",
    "jaunty",  "jolly",  "jovial",  "joyful",   "keen",   "kind",     "lively",   "lofty",
    "loyal",   "lucid",  "lucky",   "lunar",    "mellow", "merry",    "mighty",   "mirthful",
    "modest",  "neat",   "nifty",   "nimble",   "noble",  "opal",     "patient",  "pensive",
    "plucky",  "polite", "prime",   "proud",    "quaint", "quick",    "quiet",    "radiant",
    "rapid",   "ready",  "regal",   "robust",   "rosy",   "royal",    "rustic",   "sage",
    "scarlet", "serene", "sharp",   "silent",   "silver", "sleek",    "snappy",   "snug",
    "solar",   "spry",   "stellar", "steady",   "sunny",  "swift",    "tidy",     "vivid",
};

// People who worked on computing, mathematics and the sciences.
constexpr absl::string_view kSurnames[] = {
    "abel",         "agnesi",    "aiken",    "ampere",     "anning",    "apgar",
    "babbage",      "backus",    "banach",   "bartik",     "bell",      "bernoulli",
    "bohr",         "boole",     "borg",     "brahe",      "cantor",    "carson",
    "cartwright",   "cauchy",    "cayley",   "cerf",       "chandra",   "church",
    "clarke",       "cohen",     "cori",     "curie",      "dahl",      "darwin",
    "davis",        "dijkstra",  "dirac",    "eckert",     "edison",    "elion",
    "engelbart",    "erdos",     "euclid",   "euler",      "faraday",   "fermat",
    "fermi",        "feynman",   "floyd",    "fourier",    "franklin",  "galileo",
    "galois",       "gauss",     "germain",  "godel",      "goldberg",  "goodall",
    "granville",    "gray",      "hamilton", "hamming",    "hawking",   "herschel",
    "hertz",        "hilbert",   "hoare",    "hodgkin",    "holberton", "hopper",
    "hubble",       "huffman",   "huygens",  "hypatia",    "iverson",   "jennings",
    "johnson",      "joule",     "kahn",     "kalman",     "kay",       "keller",
    "kepler",       "kernighan", "kilby",    "kirch",      "knuth",     "kolmogorov",
    "kovalevskaya", "lagrange",  "lamarr",   "lamport",    "laplace",   "leibniz",
    "liskov",       "lovelace",  "lumiere",  "mandelbrot", "markov",    "maxwell",
    "mcclintock",   "mccarthy",  "meitner",  "mendel",     "minsky",    "mirzakhani",
    "morse",        "naur",      "newton",   "nobel",      "noether",   "nygaard",
    "pascal",       "pasteur",   "payne",    "perlman",    "planck",    "poincare",
    "ptolemy",      "ramanujan", "ride",     "riemann",    "ritchie",   "rubin",
    "sammet",       "shannon",   "sinoussi", "somerville", "stallman",  "tesla",
    "thompson",     "tharp",     "turing",   "volta",      "wirth",     "wozniak",
    "yalow",        "zuse",
};

}  // namespace

absl::Status ValidateContainerName(absl::string_view name) {
  const auto follows = [](char c) {
    return absl::ascii_isalnum(c) || c == '_' || c == '.' || c == '-';
  };
  if (name.size() < 2 || name.size() > kMaxNameLength || !absl::ascii_isalnum(name[0]) ||
      !std::all_of(name.begin(), name.end(), follows)) {
    return absl::InvalidArgumentError(
        absl::StrCat("invalid container name \"", name.substr(0, 80),
                     "\": a letter or digit, then one or more of letters, digits, _ . and -"));
  }
  return absl::OkStatus();
}

std::string GeneratedName(uint64_t random, int attempt) {
  const absl::string_view adjective = kAdjectives[random % std::size(kAdjectives)];
  const absl::string_view surname =
      kSurnames[random / std::size(kAdjectives) % std::size(kSurnames)];
  if (attempt == 0) return absl::StrCat(adjective, "_", surname);
  return absl::StrCat(adjective, "_", surname, (random >> 32) % (attempt < 3 ? 10 : 1000000));
}

}  // namespace tiny::state
