#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/files.h"
#include "base/posix_status.h"
#include "base/status_macros.h"
#include "runtime/files/container_files.h"
#include "runtime/files/tar_format.h"

namespace tiny::runtime {
namespace {

constexpr size_t kBuffer = size_t{64} << 10;
constexpr size_t kBeginning = 6;
constexpr uint64_t kMostExtended = uint64_t{1} << 20;

class TarInput {
 public:
  explicit TarInput(int fd) : fd_(fd) {}

  // `length` bytes; kInvalidArgument where the stream ends before.
  absl::Status Read(char* out, size_t length) {
    for (size_t done = 0; done < length;) {
      const ssize_t got = read(fd_, out + done, length - done);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return PosixStatus(errno, "read the tar stream");
      if (got == 0) return absl::InvalidArgumentError("tar: the stream ends in a member");
      done += static_cast<size_t>(got);
      // What the stream begins with, also where it is shorter than a block.
      if (beginning_.empty()) beginning_.assign(out, std::min(done, kBeginning));
    }
    return absl::OkStatus();
  }

  const std::string& beginning() const { return beginning_; }

  absl::StatusOr<std::string> ReadString(uint64_t size) {
    if (size > kMostExtended) return absl::InvalidArgumentError("tar: an extended header is huge");
    std::string text(size, '\0');
    RETURN_IF_ERROR(Read(text.data(), text.size()));
    RETURN_IF_ERROR(Skip(TarPadding(size)));
    return text;
  }

  absl::Status Skip(uint64_t size) { return CopyTo(-1, size); }

  // To `out`, or nowhere.
  absl::Status CopyTo(int out, uint64_t size) {
    std::string buffer(std::min<uint64_t>(size, kBuffer), '\0');
    while (size > 0) {
      const size_t part = std::min<uint64_t>(size, buffer.size());
      RETURN_IF_ERROR(Read(buffer.data(), part));
      if (out >= 0) {
        RETURN_IF_ERROR(WriteAll(out, absl::string_view(buffer.data(), part), "the file"));
      }
      size -= part;
    }
    return absl::OkStatus();
  }

 private:
  const int fd_;
  std::string beginning_;
};

// A status that says so where the stream is one of a compressing program.
absl::Status ExplainCompressed(absl::Status status, absl::string_view beginning) {
  constexpr struct {
    absl::string_view magic, name, program;
  } kFormats[] = {
      {"\x1f\x8b", "gzip", "zcat"},          {"BZh", "bzip2", "bzcat"},
      {"\xfd\x37zXZ", "xz", "xzcat"},        {"\x28\xb5\x2f\xfd", "zstd", "zstdcat"},
      {"\x04\x22\x4d\x18", "lz4", "lz4cat"},
  };
  for (const auto& format : kFormats) {
    if (!absl::StartsWith(beginning, format.magic)) continue;
    return WithHint(
        absl::InvalidArgumentError(absl::StrCat("tar: the stream is compressed by ", format.name)),
        absl::StrCat("Decompress it first: ", format.program, " FILE | tiny cp - CONTAINER:PATH"));
  }
  return status;
}

// The next member, or one without a name at the end.
absl::StatusOr<TarMember> ReadMember(TarInput& input) {
  std::string pax;
  std::string long_name;
  std::string long_link;
  while (true) {
    std::string block(kTarBlock, '\0');
    RETURN_IF_ERROR(input.Read(block.data(), block.size()));
    if (block.find_first_not_of('\0') == std::string::npos) return TarMember();
    ASSIGN_OR_RETURN(TarHeader header, ParseTarHeader(block));
    TarMember& member = header.member;
    switch (header.type_flag) {
      case 'x': {
        ASSIGN_OR_RETURN(pax, input.ReadString(member.size));
        continue;
      }
      case 'g':
        RETURN_IF_ERROR(input.ReadString(member.size).status());
        continue;
      case 'L': {
        ASSIGN_OR_RETURN(long_name, input.ReadString(member.size));
        continue;
      }
      case 'K': {
        ASSIGN_OR_RETURN(long_link, input.ReadString(member.size));
        continue;
      }
      case '0':
      case '1':
      case '2':
      case '3':
      case '4':
      case '5':
      case '6':
        break;
      default:
        return absl::InvalidArgumentError(
            absl::StrCat("tar: ", absl::CEscape(member.name), ": a member of the unknown kind '",
                         absl::CEscape(absl::string_view(&header.type_flag, 1)), "'"));
    }
    if (!long_name.empty()) member.name = long_name.substr(0, long_name.find('\0'));
    if (!long_link.empty()) member.link = long_link.substr(0, long_link.find('\0'));
    RETURN_IF_ERROR(ApplyPaxRecords(pax, member));
    // An old writer's name of a directory ends in a slash: the whole name, not its first 100 bytes.
    if (header.type_flag == '0' && absl::EndsWith(member.name, "/")) {
      member.type = TarMember::Type::kDirectory;
    }
    if (member.type != TarMember::Type::kFile && member.type != TarMember::Type::kHardLink) {
      RETURN_IF_ERROR(input.Skip(member.size + TarPadding(member.size)));
      member.size = 0;
    }
    if (member.name.empty()) return absl::InvalidArgumentError("tar: a member without a name");
    return member;
  }
}

// "./a//b/" -> "/a/b"; "" for the destination itself.
absl::StatusOr<std::string> PlainName(absl::string_view name) {
  std::string plain;
  for (absl::string_view component : absl::StrSplit(name, '/')) {
    if (component.empty() || component == ".") continue;
    if (component == "..") {
      return absl::InvalidArgumentError(
          absl::StrCat("tar: ", absl::CEscape(name), ": leads out of the destination"));
    }
    absl::StrAppend(&plain, "/", component);
  }
  return plain;
}

class Extractor {
 public:
  Extractor(TarInput& input, const fs::RootedDir& root, const CopyOptions& options)
      : input_(input), root_(root), options_(options) {}

  absl::Status Extract(const TarMember& member, const std::string& destination);

 private:
  absl::Status MakeFile(const fs::RootedDir::Parent& at, const TarMember& member);
  absl::Status MakeDirectory(const fs::RootedDir::Parent& at, const TarMember& member);
  absl::Status MakeHardLink(const fs::RootedDir::Parent& at, const std::string& target);
  absl::Status MakeNode(const fs::RootedDir::Parent& at, const TarMember& member) const;
  absl::Status SetMetadata(int fd, const TarMember& member) const;

  TarInput& input_;
  const fs::RootedDir& root_;
  const CopyOptions& options_;
};

absl::Status Extractor::SetMetadata(int fd, const TarMember& member) const {
  const uid_t uid = options_.archive ? member.uid : options_.container_uid;
  const gid_t gid = options_.archive ? member.gid : options_.container_gid;
  const timespec times[2] = {{.tv_sec = member.mtime}, {.tv_sec = member.mtime}};
  if (fchown(fd, uid, gid) != 0 || fchmod(fd, member.mode) != 0 || futimens(fd, times) != 0) {
    return PosixStatus(errno, absl::StrCat("set the owner and mode of ", member.name));
  }
  return absl::OkStatus();
}

absl::Status MakeRoom(const fs::RootedDir::Parent& at) {
  if (unlinkat(at.directory.get(), at.name.c_str(), 0) == 0 || errno == ENOENT) {
    return absl::OkStatus();
  }
  return PosixStatus(errno, absl::StrCat("replace ", at.name));
}

absl::Status Extractor::MakeFile(const fs::RootedDir::Parent& at, const TarMember& member) {
  RETURN_IF_ERROR(MakeRoom(at));
  ASSIGN_OR_RETURN(const UniqueFd file,
                   OpenFileAt(at.directory.get(), at.name, O_WRONLY | O_CREAT | O_EXCL, 0600));
  RETURN_IF_ERROR(input_.CopyTo(file.get(), member.size));
  RETURN_IF_ERROR(input_.Skip(TarPadding(member.size)));
  return SetMetadata(file.get(), member);
}

absl::Status Extractor::MakeDirectory(const fs::RootedDir::Parent& at, const TarMember& member) {
  if (mkdirat(at.directory.get(), at.name.c_str(), 0700) != 0) {
    struct stat file = {};
    if (errno != EEXIST) return PosixStatus(errno, absl::StrCat("mkdir ", member.name));
    // What leads to a directory, such as /lib to /usr/lib, stays.
    const absl::StatusOr<UniqueFd> existing =
        OpenFileAt(at.directory.get(), at.name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (existing.ok()) return SetMetadata(existing->get(), member);
    if (fstatat(at.directory.get(), at.name.c_str(), &file, AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISLNK(file.st_mode)) {
      return absl::OkStatus();
    }
    return Annotate(existing.status(), "tar");
  }
  ASSIGN_OR_RETURN(const UniqueFd made,
                   OpenFileAt(at.directory.get(), at.name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  return SetMetadata(made.get(), member);
}

absl::Status Extractor::MakeHardLink(const fs::RootedDir::Parent& at, const std::string& target) {
  ASSIGN_OR_RETURN(const fs::RootedDir::Parent existing, root_.OpenParent(target));
  RETURN_IF_ERROR(MakeRoom(at));
  if (linkat(existing.directory.get(), existing.name.c_str(), at.directory.get(), at.name.c_str(),
             0) != 0) {
    return PosixStatus(errno, absl::StrCat("link ", at.name, " to ", target));
  }
  return absl::OkStatus();
}

// A fifo or a device, made with its mode: a later change could hit what has taken its place.
absl::Status Extractor::MakeNode(const fs::RootedDir::Parent& at, const TarMember& member) const {
  RETURN_IF_ERROR(MakeRoom(at));
  const mode_t kind = member.type == TarMember::Type::kFifo         ? S_IFIFO
                      : member.type == TarMember::Type::kCharDevice ? S_IFCHR
                                                                    : S_IFBLK;
  const mode_t old_mask = umask(0);
  const int made = mknodat(at.directory.get(), at.name.c_str(), kind | member.mode,
                           makedev(member.device_major, member.device_minor));
  const int error = errno;
  umask(old_mask);
  if (made != 0) {
    return PosixStatus(
        error, absl::StrCat(kind == S_IFIFO ? "make the fifo " : "make the device ", member.name));
  }
  const uid_t uid = options_.archive ? member.uid : options_.container_uid;
  const gid_t gid = options_.archive ? member.gid : options_.container_gid;
  const timespec times[2] = {{.tv_sec = member.mtime}, {.tv_sec = member.mtime}};
  if (fchownat(at.directory.get(), at.name.c_str(), uid, gid, AT_SYMLINK_NOFOLLOW) != 0 ||
      utimensat(at.directory.get(), at.name.c_str(), times, AT_SYMLINK_NOFOLLOW) != 0) {
    return PosixStatus(errno, absl::StrCat("set the owner of ", member.name));
  }
  return absl::OkStatus();
}

absl::Status Extractor::Extract(const TarMember& member, const std::string& destination) {
  ASSIGN_OR_RETURN(const std::string name, PlainName(member.name));
  if (name.empty()) {
    return input_.Skip(member.size + TarPadding(member.size));
  }
  absl::StatusOr<fs::RootedDir::Parent> at = root_.OpenParent(destination + name);
  if (absl::IsNotFound(at.status())) {
    RETURN_IF_ERROR(root_.MakeDirs(destination + name.substr(0, name.rfind('/')), 0755));
    at = root_.OpenParent(destination + name);
  }
  RETURN_IF_ERROR(at.status());
  switch (member.type) {
    case TarMember::Type::kDirectory:
      return MakeDirectory(*at, member);
    case TarMember::Type::kSymlink: {
      RETURN_IF_ERROR(MakeRoom(*at));
      const uid_t uid = options_.archive ? member.uid : options_.container_uid;
      const gid_t gid = options_.archive ? member.gid : options_.container_gid;
      if (symlinkat(member.link.c_str(), at->directory.get(), at->name.c_str()) != 0 ||
          fchownat(at->directory.get(), at->name.c_str(), uid, gid, AT_SYMLINK_NOFOLLOW) != 0) {
        return PosixStatus(errno, absl::StrCat("symlink ", member.name));
      }
      return absl::OkStatus();
    }
    case TarMember::Type::kHardLink: {
      ASSIGN_OR_RETURN(const std::string target, PlainName(member.link));
      RETURN_IF_ERROR(MakeHardLink(*at, destination + target));
      return input_.Skip(member.size + TarPadding(member.size));
    }
    case TarMember::Type::kFifo:
    case TarMember::Type::kCharDevice:
    case TarMember::Type::kBlockDevice:
      return MakeNode(*at, member);
    default:
      return MakeFile(*at, member);
  }
}

}  // namespace

absl::Status ExtractTar(int input, const fs::RootedDir& container, absl::string_view destination,
                        const CopyOptions& options) {
  absl::StatusOr<UniqueFd> directory = container.OpenIn(destination, O_PATH | O_DIRECTORY);
  if (absl::IsNotFound(directory.status())) {
    return absl::NotFoundError(absl::StrCat("cp: no such directory: ", destination));
  }
  RETURN_IF_ERROR(directory.status());
  TarInput stream(input);
  Extractor extractor(stream, container, options);
  absl::StatusOr<TarMember> member = ReadMember(stream);
  if (!member.ok()) return ExplainCompressed(member.status(), stream.beginning());
  while (!member->name.empty()) {
    RETURN_IF_ERROR(extractor.Extract(*member, std::string(destination)));
    ASSIGN_OR_RETURN(member, ReadMember(stream));
  }
  // What follows, a writer may still be busy with: it shall not die of a closed pipe.
  char rest[kTarBlock];
  while (read(input, rest, sizeof(rest)) > 0) {
  }
  return absl::OkStatus();
}

}  // namespace tiny::runtime
