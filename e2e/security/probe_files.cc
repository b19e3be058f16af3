#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "e2e/security/probe.h"

namespace tiny::e2e {
namespace {

bool IsNumber(const char* name) { return name[strspn(name, "0123456789")] == '\0'; }

// Processes' own folders are left out: they are the container's.
void ListWritable(const std::string& folder, bool top_of_proc) {
  DIR* directory = opendir(folder.c_str());
  if (directory == nullptr) return;
  while (const dirent* entry = readdir(directory)) {
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    if (top_of_proc && IsNumber(entry->d_name)) continue;
    const std::string path = folder + "/" + entry->d_name;
    struct stat file;
    if (lstat(path.c_str(), &file) != 0) continue;
    if (S_ISDIR(file.st_mode)) {
      ListWritable(path, false);
    } else if (S_ISREG(file.st_mode)) {
      const int fd = open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
      if (fd < 0) continue;
      // To write nothing changes nothing, and tells: procfs says EIO where there is no handler.
      if (write(fd, "", 0) >= 0 || errno != EIO) printf("%s\n", path.c_str());
      close(fd);
    }
  }
  closedir(directory);
}

const char* KindOf(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFIFO:
      return "pipe";
    case S_IFCHR:
      return "char";
    case S_IFSOCK:
      return "socket";
    case S_IFDIR:
      return "directory";
    case S_IFREG:
      return "file";
    default:
      return "other";
  }
}

}  // namespace

int ProbeWritable(int argc, char** argv) {
  for (int i = 0; i < argc; ++i) ListWritable(argv[i], strcmp(argv[i], "/proc") == 0);
  return 0;
}

int ProbeDescriptors(int argc, char** argv) {
  const std::string folder = std::string("/proc/") + (argc > 0 ? argv[0] : "self") + "/fd";
  DIR* directory = opendir(folder.c_str());
  if (directory == nullptr) return 1;
  while (const dirent* entry = readdir(directory)) {
    if (entry->d_name[0] == '.' || atoi(entry->d_name) == dirfd(directory)) continue;
    struct stat file;
    if (stat((folder + "/" + entry->d_name).c_str(), &file) != 0) continue;
    printf("%s %s\n", entry->d_name, KindOf(file.st_mode));
  }
  closedir(directory);
  return 0;
}

int ProbeMounts(int, char**) {
  FILE* table = fopen("/proc/self/mountinfo", "re");
  if (table == nullptr) return 1;
  char line[4096];
  while (fgets(line, sizeof(line), table) != nullptr) {
    char target[1024];
    char flags[256];
    char tags[256];
    char type[64];
    if (sscanf(line, "%*d %*d %*s %*s %1023s %255s %255s", target, flags, tags) != 3) continue;
    const char* separator = strstr(line, " - ");
    if (separator == nullptr || sscanf(separator, " - %63s", type) != 1) continue;
    struct stat file = {};
    stat(target, &file);
    printf("%s %s %s %s %o %d:%d\n", target, type, flags, strcmp(tags, "-") == 0 ? "private" : tags,
           file.st_mode & 07777, static_cast<int>(file.st_uid), static_cast<int>(file.st_gid));
  }
  fclose(table);
  return 0;
}

}  // namespace tiny::e2e
