#include "runtime/launch/plan_mounts.h"

#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "testing/status_matchers.h"

namespace tiny::runtime {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::tiny::testing::StatusIs;

absl::StatusOr<int> NoIdMaps(const std::vector<oci::IdMapping>&,
                             const std::vector<oci::IdMapping>&) {
  return absl::UnimplementedError("no id maps");
}

struct Case {
  oci::Spec spec;
  MountInputs inputs;
  Case() {
    spec.root = oci::Root{.path = "rootfs"};
    inputs.spec = &spec;
    inputs.bundle = "/bundle";
  }
  absl::StatusOr<fs::MountPlan> Plan() const { return PlanMounts(inputs, NoIdMaps); }
};

std::vector<std::string> Targets(const fs::MountPlan& plan) {
  std::vector<std::string> targets;
  for (const fs::Mount& mount : plan.mounts) {
    targets.push_back(mount.type + " " + mount.source + " " + mount.target);
  }
  return targets;
}

TEST(PlanMounts, RelativePathsAreTheBundles) {
  Case test;
  test.spec.mounts = {{.destination = "/data", .type = "bind", .source = "data"},
                      {.destination = "/abs", .source = "/abs", .options = {"rbind"}},
                      {.destination = "/tmp", .type = "tmpfs", .source = "tmpfs"}};
  test.spec.linux_.rootfs_propagation = "shared";
  test.spec.linux_.mount_label = "u:r:t:s0:c1,c2";
  ASSERT_OK_AND_ASSIGN(const fs::MountPlan plan, test.Plan());
  EXPECT_EQ(plan.root.path, "/bundle/rootfs");
  EXPECT_EQ(plan.root.propagation, (fs::Propagation{MS_SHARED, false}));
  EXPECT_THAT(Targets(plan),
              ElementsAre("bind /bundle/data /data", " /abs /abs", "tmpfs tmpfs /tmp"));
  EXPECT_FALSE(plan.user_namespace);
  EXPECT_EQ(plan.label, "u:r:t:s0:c1,c2");
}

TEST(PlanMounts, OverlayComesBeforeTheRootsPath) {
  Case test;
  const OverlayRoot overlay{.lower_dirs = {"/l2", "/l1"}, .upper_dir = "/u", .work_dir = "/w"};
  test.inputs.overlay = &overlay;
  test.spec.root->readonly = true;
  ASSERT_OK_AND_ASSIGN(const fs::MountPlan plan, test.Plan());
  EXPECT_THAT(plan.root.lower_dirs, ElementsAre("/l2", "/l1"));
  EXPECT_EQ(plan.root.path, "");
  EXPECT_TRUE(plan.root.readonly);
}

oci::Mount CgroupMount() {
  return {.destination = "/sys/fs/cgroup",
          .type = "cgroup",
          .source = "cgroup",
          .options = {"nosuid", "ro"}};
}

TEST(PlanMounts, CgroupVersion2) {
  Case test;
  test.spec.mounts = {CgroupMount()};
  ASSERT_OK_AND_ASSIGN(const fs::MountPlan plan, test.Plan());
  EXPECT_THAT(Targets(plan), ElementsAre("cgroup2 cgroup2 /sys/fs/cgroup"));
  EXPECT_EQ(plan.mounts[0].options.set, MOUNT_ATTR_NOSUID | MOUNT_ATTR_RDONLY);

  test.inputs.cgroup = {
      .unified_path = "/sys/fs/cgroup", .path = "/tiny/a", .own_namespace = false};
  test.spec.linux_.namespaces = {{.type = "user"}};
  ASSERT_OK_AND_ASSIGN(const fs::MountPlan bound, test.Plan());
  EXPECT_THAT(Targets(bound), ElementsAre("bind /sys/fs/cgroup/tiny/a/. /sys/fs/cgroup"));
}

TEST(PlanMounts, CgroupVersion1AndHybrid) {
  Case test;
  test.spec.mounts = {CgroupMount()};
  test.inputs.cgroup = {.unified = false,
                        .unified_path = "/sys/fs/cgroup/unified",
                        .legacy = {{"/sys/fs/cgroup/cpu,cpuacct", {"cpu", "cpuacct"}},
                                   {"/sys/fs/cgroup/systemd", {"name=systemd"}}},
                        .path = "/tiny/a"};
  ASSERT_OK_AND_ASSIGN(const fs::MountPlan own, test.Plan());
  EXPECT_THAT(Targets(own),
              ElementsAre("tmpfs tmpfs /sys/fs/cgroup", "cgroup2 cgroup2 /sys/fs/cgroup/unified",
                          "cgroup cgroup /sys/fs/cgroup/cpu,cpuacct",
                          "cgroup cgroup /sys/fs/cgroup/systemd"));
  EXPECT_THAT(own.mounts[1].options.data, ElementsAre());
  EXPECT_THAT(own.mounts[2].options.data, ElementsAre("cpu,cpuacct"));
  EXPECT_THAT(own.mounts[3].options.data, ElementsAre("name=systemd"));
  for (const fs::Mount& mount : own.mounts) {
    EXPECT_NE(mount.options.set & MOUNT_ATTR_RDONLY, 0) << mount.target;
  }
  ASSERT_EQ(own.links.size(), 2);
  EXPECT_EQ(own.links[0].path, "/sys/fs/cgroup/cpu");
  EXPECT_EQ(own.links[0].target, "cpu,cpuacct");

  test.inputs.cgroup.own_namespace = false;
  ASSERT_OK_AND_ASSIGN(const fs::MountPlan bound, test.Plan());
  EXPECT_EQ(Targets(bound)[2],
            "bind /sys/fs/cgroup/cpu,cpuacct/tiny/a/. /sys/fs/cgroup/cpu,cpuacct");
}

TEST(PlanMounts, Devices) {
  Case test;
  test.spec.linux_.devices = {
      {.type = "c", .path = "/dev/fuse", .major = 10, .minor = 229, .file_mode = 0600, .gid = 4},
      {.type = "c", .path = "/dev/tty", .major = 5, .minor = 0, .file_mode = 0620}};
  ASSERT_OK_AND_ASSIGN(const fs::MountPlan plan, test.Plan());
  ASSERT_EQ(plan.devices.size(), fs::DefaultDevices().size() + 1);
  EXPECT_EQ(plan.devices.back().number, makedev(10, 229));
  EXPECT_EQ(plan.devices.back().mode, S_IFCHR | 0600);
  EXPECT_EQ(plan.devices.back().gid, 4);
  EXPECT_EQ(plan.devices[plan.devices.size() - 2].mode, S_IFCHR | 0620);
  test.spec.linux_.devices[0].type = "x";
  EXPECT_THAT(test.Plan(), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("/dev/fuse")));
}

TEST(PlanMounts, UnmappedTtyGroupIsDropped) {
  Case test;
  test.spec.mounts = {
      {.destination = "/dev/pts", .type = "devpts", .options = {"newinstance", "gid=5"}}};
  ASSERT_OK_AND_ASSIGN(const fs::MountPlan kept, test.Plan());
  EXPECT_THAT(kept.mounts[0].options.data, ElementsAre("newinstance", "gid=5"));
  test.spec.linux_.namespaces = {{.type = "user"}};
  test.spec.linux_.gid_mappings = {{.container_id = 0, .host_id = 1000, .size = 1}};
  ASSERT_OK_AND_ASSIGN(const fs::MountPlan dropped, test.Plan());
  EXPECT_THAT(dropped.mounts[0].options.data, ElementsAre("newinstance"));
  EXPECT_TRUE(dropped.user_namespace);
}

TEST(PlanMounts, SysfsOfAnothersNetworkIsBoundReadOnly) {
  Case test;
  test.spec.mounts = {{.destination = "/sys", .type = "sysfs", .source = "sysfs"}};
  const security::Caller user(1000, "/no/proc");
  test.inputs.caller = &user;
  using Namespaces = std::vector<oci::Namespace>;
  const Namespaces bound[] = {{{.type = "user"}},
                              {{.type = "user"}, {.type = "network", .path = "/run/netns/a"}}};
  for (const Namespaces& namespaces : bound) {
    test.spec.linux_.namespaces = namespaces;
    ASSERT_OK_AND_ASSIGN(const fs::MountPlan plan, test.Plan());
    EXPECT_THAT(Targets(plan), ElementsAre("bind /sys /sys"));
    EXPECT_TRUE(plan.mounts[0].options.recursive);
    EXPECT_NE(plan.mounts[0].options.recursive_set & MOUNT_ATTR_RDONLY, 0);
  }
  const Namespaces mounted[] = {
      {},
      {{.type = "user"}, {.type = "network"}},
      {{.type = "user", .path = "/run/userns"}, {.type = "network", .path = "/run/netns/a"}}};
  for (const Namespaces& namespaces : mounted) {
    test.spec.linux_.namespaces = namespaces;
    ASSERT_OK_AND_ASSIGN(const fs::MountPlan plan, test.Plan());
    EXPECT_THAT(Targets(plan), ElementsAre("sysfs sysfs /sys"));
  }
}

TEST(PlanMounts, IdMaps) {
  Case test;
  test.spec.mounts = {{.destination = "/a",
                       .type = "bind",
                       .source = "/a",
                       .options = {"rbind"},
                       .uid_mappings = {{0, 1000, 10}},
                       .gid_mappings = {{0, 2000, 10}}}};
  EXPECT_THAT(test.Plan(), StatusIs(absl::StatusCode::kUnimplemented));
  const auto maps = [](const std::vector<oci::IdMapping>& uids,
                       const std::vector<oci::IdMapping>& gids) -> absl::StatusOr<int> {
    EXPECT_EQ(uids[0].host_id, 1000);
    EXPECT_EQ(gids[0].host_id, 2000);
    return 42;
  };
  ASSERT_OK_AND_ASSIGN(const fs::MountPlan plan, PlanMounts(test.inputs, maps));
  EXPECT_EQ(plan.mounts[0].id_map_user_namespace, 42);
  EXPECT_EQ(plan.mounts[0].options.id_mapping, fs::IdMapping::kMount);
}

TEST(PlanMounts, ErrorsNameTheMount) {
  Case test;
  test.spec.mounts = {{.destination = "/x", .type = "bind", .options = {"bind", "ridmap"}}};
  EXPECT_THAT(test.Plan(), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("/x")));
  test.spec.root.reset();
  EXPECT_THAT(test.Plan(), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("root")));
}

}  // namespace
}  // namespace tiny::runtime
