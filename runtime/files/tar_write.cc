#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/posix_status.h"
#include "base/status_macros.h"
#include "fs/source_entry.h"
#include "runtime/files/container_files.h"
#include "runtime/files/rooted_leaf.h"
#include "runtime/files/tar_format.h"

namespace tiny::runtime {
namespace {

constexpr int kMaxDepth = 200;
constexpr size_t kBuffer = size_t{64} << 10;

class TarWriter {
 public:
  TarWriter(int output, bool cross_mounts) : output_(output), cross_mounts_(cross_mounts) {}

  absl::Status AddEntry(int directory, const std::string& name, const std::string& member_name,
                        int depth);
  absl::Status AddContents(int directory, const std::string& prefix, int depth);
  // Two blocks of zeros end the stream.
  absl::Status Finish() {
    return WriteAll(output_, std::string(2 * kTarBlock, '\0'), "the tar stream");
  }

 private:
  absl::Status AddFile(const UniqueFd& file, const struct stat& info, TarMember& member);
  absl::Status WriteContent(int file, uint64_t size, const std::string& name);

  const int output_;
  const bool cross_mounts_;
  std::map<std::pair<dev_t, ino_t>, std::string> linked_;  // files with more than one name
};

TarMember MakeMember(const struct stat& info, const std::string& name) {
  TarMember member;
  member.name = name;
  member.mode = info.st_mode & 07777;
  member.uid = info.st_uid;
  member.gid = info.st_gid;
  member.mtime = info.st_mtim.tv_sec;
  return member;
}

// Exactly `size` bytes, as the header has said: a file that shrank meanwhile is filled with zeros.
absl::Status TarWriter::WriteContent(int file, uint64_t size, const std::string& name) {
  std::string buffer(std::min<uint64_t>(size, kBuffer), '\0');
  for (uint64_t left = size; left > 0;) {
    const size_t wanted = std::min<uint64_t>(left, buffer.size());
    ssize_t got = read(file, buffer.data(), wanted);
    if (got < 0) return PosixStatus(errno, absl::StrCat("read ", name));
    if (got == 0) {
      std::fill(buffer.begin(), buffer.end(), '\0');
      got = static_cast<ssize_t>(wanted);
    }
    const auto length = static_cast<size_t>(got);
    RETURN_IF_ERROR(WriteAll(output_, absl::string_view(buffer.data(), length), "the tar stream"));
    left -= length;
  }
  return WriteAll(output_, std::string(TarPadding(size), '\0'), "the tar stream");
}

absl::Status TarWriter::AddFile(const UniqueFd& file, const struct stat& info, TarMember& member) {
  if (info.st_nlink > 1) {
    const auto [first, is_new] = linked_.insert({{info.st_dev, info.st_ino}, member.name});
    if (!is_new) {
      member.type = TarMember::Type::kHardLink;
      member.link = first->second;
      return WriteAll(output_, RenderTarHeader(member), "the tar stream");
    }
  }
  member.size = static_cast<uint64_t>(info.st_size);
  RETURN_IF_ERROR(WriteAll(output_, RenderTarHeader(member), "the tar stream"));
  return WriteContent(file.get(), member.size, member.name);
}

absl::Status TarWriter::AddEntry(int directory, const std::string& name,
                                 const std::string& member_name, int depth) {
  if (depth > kMaxDepth) {
    return absl::OutOfRangeError(absl::StrCat("tar: ", member_name, ": nested too deeply"));
  }
  struct stat info = {};
  if (fstatat(directory, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
    return errno == ENOENT ? absl::OkStatus()
                           : PosixStatus(errno, absl::StrCat("stat ", member_name));
  }
  TarMember member = MakeMember(info, member_name);
  switch (info.st_mode & S_IFMT) {
    case S_IFLNK: {
      char target[PATH_MAX];
      const ssize_t length = readlinkat(directory, name.c_str(), target, sizeof(target));
      if (length < 0) return PosixStatus(errno, absl::StrCat("readlink ", member_name));
      member.type = TarMember::Type::kSymlink;
      member.link.assign(target, static_cast<size_t>(length));
      return WriteAll(output_, RenderTarHeader(member), "the tar stream");
    }
    case S_IFCHR:
    case S_IFBLK:
      member.type =
          S_ISCHR(info.st_mode) ? TarMember::Type::kCharDevice : TarMember::Type::kBlockDevice;
      member.device_major = major(info.st_rdev);
      member.device_minor = minor(info.st_rdev);
      return WriteAll(output_, RenderTarHeader(member), "the tar stream");
    case S_IFIFO:
      member.type = TarMember::Type::kFifo;
      return WriteAll(output_, RenderTarHeader(member), "the tar stream");
    case S_IFREG:
    case S_IFDIR:
      break;
    default:
      return absl::OkStatus();  // a socket
  }
  const int flags = S_ISDIR(info.st_mode) ? O_DIRECTORY : O_NONBLOCK | O_NOCTTY;
  ASSIGN_OR_RETURN(const UniqueFd file,
                   fs::OpenSourceEntry(directory, name, O_RDONLY | flags, cross_mounts_));
  if (!file) return absl::OkStatus();
  if (fstat(file.get(), &info) != 0) return PosixStatus(errno, absl::StrCat("stat ", member_name));
  member = MakeMember(info, member_name);
  if (S_ISREG(info.st_mode)) return AddFile(file, info, member);
  if (!S_ISDIR(info.st_mode)) return absl::OkStatus();
  member.type = TarMember::Type::kDirectory;
  member.name += "/";
  RETURN_IF_ERROR(WriteAll(output_, RenderTarHeader(member), "the tar stream"));
  return AddContents(file.get(), member.name, depth + 1);
}

absl::Status TarWriter::AddContents(int directory, const std::string& prefix, int depth) {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, ListDirectoryAt(directory, "."));
  for (const std::string& name : names) {
    RETURN_IF_ERROR(AddEntry(directory, name, absl::StrCat(prefix, name), depth));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status WriteTar(const fs::RootedDir& container, absl::string_view source, int output,
                      const CopyOptions& options) {
  const bool follow = options.follow_link || absl::EndsWith(source, "/");
  absl::StatusOr<Leaf> leaf =
      FindLeaf(container, source, follow ? Follow::kYes : Follow::kNo, Missing::kRefused);
  if (absl::IsNotFound(leaf.status())) {
    return absl::NotFoundError(absl::StrCat("cp: no such file or directory: ", source));
  }
  RETURN_IF_ERROR(leaf.status());
  TarWriter writer(output, true);
  RETURN_IF_ERROR(writer.AddEntry(leaf->directory.get(), leaf->name, leaf->name, 0));
  return writer.Finish();
}

absl::Status ExportTar(const fs::RootedDir& container, int output) {
  ASSIGN_OR_RETURN(const UniqueFd root, container.OpenIn("/", O_RDONLY | O_DIRECTORY));
  TarWriter writer(output, false);
  RETURN_IF_ERROR(writer.AddContents(root.get(), "", 0));
  return writer.Finish();
}

}  // namespace tiny::runtime
