#include "runtime/host_devices.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/files.h"
#include "base/posix_status.h"

namespace tiny::runtime {
namespace {

oci::Device FromStat(absl::string_view path, const struct stat& info) {
  oci::Device device;
  device.type.assign(1, S_ISBLK(info.st_mode) ? 'b' : 'c');
  device.path = std::string(path);
  device.major = major(info.st_rdev);
  device.minor = minor(info.st_rdev);
  device.file_mode = info.st_mode & 07777;
  device.uid = info.st_uid;
  device.gid = info.st_gid;
  return device;
}

void AddBelow(const std::string& folder, int depth, std::vector<oci::Device>& devices) {
  const absl::StatusOr<std::vector<std::string>> names = ListDirectory(folder);
  if (!names.ok() || depth > 8) return;
  for (const std::string& name : *names) {
    const std::string path = absl::StrCat(folder, "/", name);
    struct stat info;
    if (lstat(path.c_str(), &info) != 0) continue;
    if (S_ISDIR(info.st_mode)) {
      if (path != "/dev/pts" && path != "/dev/shm" && path != "/dev/mqueue" && path != "/dev/fd") {
        AddBelow(path, depth + 1, devices);
      }
    } else if (S_ISCHR(info.st_mode) || S_ISBLK(info.st_mode)) {
      // The console is the container's own.
      if (path != "/dev/console") devices.push_back(FromStat(path, info));
    }
  }
}

}  // namespace

absl::StatusOr<oci::Device> ReadHostDevice(absl::string_view path) {
  struct stat info;
  if (stat(std::string(path).c_str(), &info) != 0) {
    return PosixStatus(errno, absl::StrCat("device ", path));
  }
  if (!S_ISCHR(info.st_mode) && !S_ISBLK(info.st_mode)) {
    return absl::InvalidArgumentError(absl::StrCat(path, " is not a device"));
  }
  return FromStat(path, info);
}

std::map<std::string, oci::Device> NamedHostDevices(const state::ContainerConfig& config) {
  std::map<std::string, oci::Device> devices;
  const auto add = [&devices](const std::string& path) {
    absl::StatusOr<oci::Device> device = ReadHostDevice(path);
    if (device.ok()) devices.emplace(path, *std::move(device));
  };
  for (const state::DeviceConfig& device : config.devices) add(device.path_on_host);
  const state::ResourceConfig& resources = config.resources;
  for (const auto* rates : {&resources.device_read_bps, &resources.device_write_bps,
                            &resources.device_read_iops, &resources.device_write_iops}) {
    for (const state::DeviceRate& rate : *rates) add(rate.path);
  }
  return devices;
}

std::vector<oci::Device> AllHostDevices() {
  std::vector<oci::Device> devices;
  AddBelow("/dev", 0, devices);
  return devices;
}

}  // namespace tiny::runtime
