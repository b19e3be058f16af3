#include "security/seccomp/program_cache.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstring>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/files.h"
#include "base/unique_fd.h"

namespace tiny::security {
namespace {

// Changes with the compiler's output and with the form of the file.
constexpr char kMagic[8] = {'t', 'i', 'n', 'y', 'b', 'p', 'f', '2'};

// A file is this, the text, and the instructions.
struct Header {
  char magic[8];
  uint64_t text_size;
  uint64_t flags;
  uint64_t hash;  // of the instructions and the flags
};

// FNV-1a of words. Guards against damage and spreads the names; the text is compared besides.
uint64_t Hash(absl::string_view bytes, uint64_t hash = 0xcbf29ce484222325) {
  const auto mix = [&hash](uint64_t word) {
    hash ^= word;
    hash *= 0x100000001b3;
    hash ^= hash >> 32;
  };
  while (bytes.size() >= sizeof(uint64_t)) {
    uint64_t word;
    std::memcpy(&word, bytes.data(), sizeof(word));
    mix(word);
    bytes.remove_prefix(sizeof(word));
  }
  for (const char c : bytes) mix(static_cast<unsigned char>(c));
  return hash;
}

absl::string_view Bytes(const Program& program) {
  return {reinterpret_cast<const char*>(program.data()), program.size() * sizeof(sock_filter)};
}

std::optional<KnownProgram> Decode(absl::string_view file, absl::string_view text) {
  Header header;
  if (file.size() < sizeof(header)) return std::nullopt;
  std::memcpy(&header, file.data(), sizeof(header));
  file.remove_prefix(sizeof(header));
  if (std::memcmp(header.magic, kMagic, sizeof(kMagic)) != 0) return std::nullopt;
  if (header.text_size != text.size() || file.substr(0, text.size()) != text) return std::nullopt;
  file.remove_prefix(text.size());
  if (file.empty() || file.size() % sizeof(sock_filter) != 0) return std::nullopt;
  if (file.size() / sizeof(sock_filter) > BPF_MAXINSNS) return std::nullopt;
  if (Hash(file, header.flags) != header.hash) return std::nullopt;
  KnownProgram known = {.program = Program(file.size() / sizeof(sock_filter)),
                        .flags = header.flags};
  std::memcpy(known.program.data(), file.data(), file.size());
  return known;
}

std::string Encode(const KnownProgram& known, absl::string_view text) {
  Header header;
  std::memcpy(header.magic, kMagic, sizeof(kMagic));
  header.text_size = text.size();
  header.flags = known.flags;
  header.hash = Hash(Bytes(known.program), known.flags);
  return absl::StrCat(absl::string_view(reinterpret_cast<const char*>(&header), sizeof(header)),
                      text, Bytes(known.program));
}

// Makes room where engines have sent a different profile with each container: what is still in use
// comes back at its next use.
void MakeRoom(const std::string& directory) {
  const auto names = ListDirectory(directory);
  if (!names.ok() || names->size() < kMostPrograms) return;
  for (const std::string& name : *names) unlink(absl::StrCat(directory, "/", name).c_str());
}

std::string NameOf(absl::string_view text) { return absl::StrFormat("%016x.bpf", Hash(text)); }

}  // namespace

std::optional<KnownProgram> FindProgram(absl::string_view text, absl::string_view directory) {
  const auto file = ReadRegularFile(absl::StrCat(directory, "/", NameOf(text)));
  if (!file.ok()) return std::nullopt;
  return Decode(*file, text);
}

void KeepProgram(absl::string_view text, const KnownProgram& known, absl::string_view directory) {
  if (!MakeDirs(directory, 0700).ok()) return;
  MakeRoom(std::string(directory));
  const auto opened = OpenFile(directory, O_PATH | O_DIRECTORY);
  if (!opened.ok()) return;
  ReplaceFileAtomically(opened->get(), NameOf(text), Encode(known, text), 0600, /*sync=*/false)
      .IgnoreError();
}

}  // namespace tiny::security
