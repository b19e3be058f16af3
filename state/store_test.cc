#include "state/store.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/files.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "state/config_json.h"
#include "testing/status_matchers.h"
#include "testing/temp_dir.h"

namespace tiny::state {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::tiny::testing::StatusIs;
using ::tiny::testing::TempDir;

class StoreTest : public ::testing::Test {
 protected:
  StoreTest() : store_(StateStore::Open(dir_.Path("root")).value()) {}

  ContainerConfig Named(absl::string_view name) {
    ContainerConfig config;
    config.name = std::string(name);
    config.command = {"true"};
    return config;
  }

  // Creates a container and lets go of its lock.
  ContainerId Make(absl::string_view name) {
    absl::StatusOr<LockedContainer> container = store_.Create(Named(name));
    EXPECT_OK(container);
    return container->id();
  }

  std::string File(const ContainerId& id, absl::string_view name) {
    return absl::StrCat(store_.Directory(id), "/", name);
  }

  void Overwrite(const std::string& path, absl::string_view contents) {
    ASSERT_OK_AND_ASSIGN(const UniqueFd fd, OpenFile(path, O_WRONLY | O_CREAT | O_TRUNC, 0600));
    ASSERT_OK(WriteAll(fd.get(), contents, path));
  }

  TempDir dir_;
  StateStore store_;
};

// Runs `body` in a child that then dies by SIGKILL, as a crashed creator would.
void Crash(const std::function<void()>& body) {
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    body();
    kill(getpid(), SIGKILL);
  }
  int status;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
}

TEST_F(StoreTest, ARootThatIsMissingHoldsNothingAndIsMadeByTheFirstCreate) {
  const ContainerId ghost = ContainerId::Generate().value();
  EXPECT_THAT(store_.Find("web"), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(store_.Read(ghost), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(store_.Lock(ghost), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(store_.RemoveDamaged(ghost), StatusIs(absl::StatusCode::kNotFound));
  ASSERT_OK_AND_ASSIGN(const Listing nothing, store_.List());
  EXPECT_THAT(nothing.records, IsEmpty());
  EXPECT_OK(store_.Sweep());
  EXPECT_FALSE(PathExists(store_.root()));

  ASSERT_OK_AND_ASSIGN(const StateStore other, StateStore::Open(store_.root()));
  const ContainerId id = Make("web");
  EXPECT_EQ(store_.Find("web")->value(), id.value());
  EXPECT_EQ(other.Find("web")->value(), id.value());
  EXPECT_THAT(other.List()->records, SizeIs(1));
}

TEST_F(StoreTest, ACreatedContainerIsReadListedAndFound) {
  ContainerConfig config = Named("web");
  config.labels = {{"tier", "front"}};
  ASSERT_OK_AND_ASSIGN(LockedContainer container, store_.Create(config));
  EXPECT_EQ(container.state().status, Status::kCreated);
  ASSERT_OK_AND_ASSIGN(const ContainerRecord record, store_.Read(container.id()));
  EXPECT_EQ(record.config.name, "web");
  EXPECT_EQ(record.config.labels, config.labels);
  EXPECT_LT(absl::Now() - record.config.created_at, absl::Minutes(1));
  ASSERT_OK_AND_ASSIGN(const Listing listing, store_.List());
  EXPECT_THAT(listing.records, SizeIs(1));
  EXPECT_THAT(listing.damaged, IsEmpty());
  EXPECT_EQ(store_.Find("web").value(), container.id());
  EXPECT_EQ(store_.Find("/web").value(), container.id());
  EXPECT_EQ(store_.Find(container.id().value()).value(), container.id());
  EXPECT_EQ(store_.Find(container.id().Short()).value(), container.id());
}

TEST_F(StoreTest, AVisitOfTheActiveReadsNoOtherConfig) {
  Make("created");
  for (const auto& [name, status] :
       {std::pair("up", Status::kRunning), std::pair("frozen", Status::kPaused),
        std::pair("ended", Status::kExited)}) {
    ASSERT_OK_AND_ASSIGN(LockedContainer container, store_.Create(Named(name)));
    ContainerState state;
    state.status = status;
    ASSERT_OK(container.CommitState(state));
    if (status == Status::kExited) Overwrite(File(container.id(), "config.json"), "{");
  }
  const auto visit = [&](StateStore::Which which, std::vector<DamagedRecord>* damaged) {
    std::set<std::string> names;
    EXPECT_OK(store_.Visit(
        which, [&](ContainerRecord& record) { names.insert(record.config.name); }, damaged));
    return names;
  };
  std::vector<DamagedRecord> damaged;
  EXPECT_THAT(visit(StateStore::Which::kActive, &damaged), ElementsAre("frozen", "up"));
  EXPECT_THAT(damaged, IsEmpty());
  EXPECT_THAT(visit(StateStore::Which::kAll, &damaged), ElementsAre("created", "frozen", "up"));
  EXPECT_THAT(damaged, SizeIs(1));
}

TEST_F(StoreTest, AnEmptyStoreIsNoError) {
  ASSERT_OK_AND_ASSIGN(const Listing listing, store_.List());
  EXPECT_THAT(listing.records, IsEmpty());
  EXPECT_THAT(store_.Find("web"), StatusIs(absl::StatusCode::kNotFound, "no such container: web"));
  EXPECT_THAT(store_.Find("abc"), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(store_.Find("//web"), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(store_.Find("/"), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(store_.Find(""), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(store_.Find("../x"), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(StoreTest, RecordsAndFoldersAreForTheOwnerOnly) {
  const ContainerId id = Make("web");
  struct stat info;
  for (const auto& [path, mode] :
       {std::pair{store_.root(), 0700u}, std::pair{store_.Directory(id), 0700u},
        std::pair{File(id, "config.json"), 0600u}}) {
    ASSERT_EQ(stat(path.c_str(), &info), 0) << path;
    EXPECT_EQ(info.st_mode & 07777, mode) << path;
  }
}

TEST_F(StoreTest, CommitsReplaceRecords) {
  ASSERT_OK_AND_ASSIGN(LockedContainer container, store_.Create(Named("web")));
  ContainerState state = container.state();
  state.status = Status::kRunning;
  state.init.pid = 42;
  ASSERT_OK(container.CommitState(state));
  ContainerConfig config = container.config();
  config.resources.memory = 5;
  config.name = "other";
  config.id = "other";
  ASSERT_OK(container.CommitConfig(config));
  ASSERT_OK(container.Sync());
  ASSERT_OK_AND_ASSIGN(const ContainerRecord record, store_.Read(container.id()));
  EXPECT_EQ(record.state.init.pid, 42);
  EXPECT_EQ(record.config.resources.memory, 5);
  EXPECT_EQ(record.config.name, "web");
  EXPECT_EQ(record.config.id, container.id().value());
  ASSERT_OK_AND_ASSIGN(const auto files, ListDirectory(store_.Directory(container.id())));
  EXPECT_THAT(files, ElementsAre(".spare", "config.json", "state.json"));
}

TEST_F(StoreTest, NamesAreUniqueAndFreedByRemoval) {
  const ContainerId id = Make("web");
  EXPECT_THAT(store_.Create(Named("web")),
              StatusIs(absl::StatusCode::kAlreadyExists,
                       absl::StrCat("the name \"web\" is in use by container ", id.Short())));
  ASSERT_OK_AND_ASSIGN(const auto left, ListDirectory(absl::StrCat(store_.root(), "/containers")));
  EXPECT_THAT(left, ElementsAre(id.value()));  // the loser left nothing
  ASSERT_OK_AND_ASSIGN(LockedContainer container, store_.Lock(id));
  ASSERT_OK(std::move(container).Remove());
  EXPECT_THAT(store_.Read(id), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(store_.Lock(id), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(store_.Find("web"), StatusIs(absl::StatusCode::kNotFound));
  Make("web");
}

TEST_F(StoreTest, BadNamesAreRefusedAndLeaveNothing) {
  for (const absl::string_view name : {"a", "../../x", "-a", "a/b"}) {
    EXPECT_THAT(store_.Create(Named(name)), StatusIs(absl::StatusCode::kInvalidArgument)) << name;
  }
  EXPECT_FALSE(PathExists(absl::StrCat(store_.root(), "/containers")));
}

TEST_F(StoreTest, GeneratedNamesDiffer) {
  std::set<std::string> names;
  for (int i = 0; i < 200; ++i) {
    ASSERT_OK_AND_ASSIGN(const LockedContainer container, store_.Create(ContainerConfig()));
    EXPECT_TRUE(names.insert(container.config().name).second);
  }
}

TEST_F(StoreTest, OfFiftyCreatorsOfANameOneWins) {
  constexpr int kCreators = 50;
  int start[2];
  ASSERT_EQ(pipe(start), 0);
  std::vector<pid_t> children;
  for (int i = 0; i < kCreators; ++i) {
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      close(start[1]);
      char byte;
      (void)!read(start[0], &byte, 1);  // until the parent closes its end
      const absl::StatusOr<StateStore> store = StateStore::Open(store_.root());
      const absl::Status status = store->Create(Named("web")).status();
      _exit(status.ok() ? 0 : status.code() == absl::StatusCode::kAlreadyExists ? 1 : 2);
    }
    children.push_back(child);
  }
  close(start[0]);
  close(start[1]);
  int outcomes[3] = {};
  for (const pid_t child : children) {
    int status;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFEXITED(status));
    ++outcomes[WEXITSTATUS(status)];
  }
  EXPECT_THAT(outcomes, ElementsAre(1, kCreators - 1, 0));
  ASSERT_OK_AND_ASSIGN(const Listing listing, store_.List());
  EXPECT_THAT(listing.records, SizeIs(1));
  ASSERT_OK_AND_ASSIGN(const auto left, ListDirectory(absl::StrCat(store_.root(), "/containers")));
  EXPECT_THAT(left, SizeIs(1));
}

TEST_F(StoreTest, AClaimWhoseContainerIsGoneIsFree) {
  Make("other");
  ASSERT_EQ(
      symlink(std::string(64, 'a').c_str(), absl::StrCat(store_.root(), "/names/web").c_str()), 0);
  EXPECT_THAT(store_.Find("web"), StatusIs(absl::StatusCode::kNotFound));
  const ContainerId id = Make("web");
  EXPECT_EQ(store_.Find("web").value(), id);
}

TEST_F(StoreTest, AClaimWhoseCreatorDiedIsFree) {
  // What a creator has made when it dies just before its config.json: a directory and a claim.
  const std::string id(64, 'a');
  Make("other");
  ASSERT_OK(MakeDirs(absl::StrCat(store_.root(), "/containers/", id), 0700));
  ASSERT_EQ(symlink(id.c_str(), absl::StrCat(store_.root(), "/names/web").c_str()), 0);
  Make("web");
  ASSERT_OK_AND_ASSIGN(const Listing listing, store_.List());  // sweeps the directory
  EXPECT_THAT(listing.records, SizeIs(2));
  EXPECT_FALSE(PathExists(absl::StrCat(store_.root(), "/containers/", id)));
}

TEST_F(StoreTest, AClaimOfACreatorAtWorkIsTaken) {
  const std::string id(64, 'a');
  Make("other");
  const std::string directory = absl::StrCat(store_.root(), "/containers/", id);
  ASSERT_OK(MakeDirs(directory, 0700));
  ASSERT_EQ(symlink(id.c_str(), absl::StrCat(store_.root(), "/names/web").c_str()), 0);
  ASSERT_OK_AND_ASSIGN(const UniqueFd fd, OpenFile(directory, O_RDONLY));
  ASSERT_EQ(flock(fd.get(), LOCK_EX), 0);
  EXPECT_THAT(store_.Create(Named("web")), StatusIs(absl::StatusCode::kAlreadyExists));
  ASSERT_OK(store_.List());
  EXPECT_TRUE(PathExists(directory));
}

TEST_F(StoreTest, RenameMovesTheName) {
  const ContainerId other = Make("other");
  ASSERT_OK_AND_ASSIGN(LockedContainer container, store_.Create(Named("web")));
  EXPECT_THAT(container.Rename("other"), StatusIs(absl::StatusCode::kAlreadyExists));
  EXPECT_THAT(container.Rename("-x"), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(container.config().name, "web");
  ASSERT_OK(container.Rename("shop"));
  EXPECT_EQ(container.config().name, "shop");
  EXPECT_EQ(store_.Find("shop").value(), container.id());
  EXPECT_THAT(store_.Find("web"), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_EQ(store_.Read(container.id())->config.name, "shop");
  Make("web");
}

TEST_F(StoreTest, ARenameThatCrashedAfterItsClaimLeavesTheNameFree) {
  const ContainerId id = Make("web");
  ASSERT_EQ(symlink(id.value().c_str(), absl::StrCat(store_.root(), "/names/shop").c_str()), 0);
  const ContainerId shop = Make("shop");
  EXPECT_EQ(store_.Find("shop").value(), shop);
  EXPECT_EQ(store_.Find("web").value(), id);
}

TEST_F(StoreTest, PrefixesSelectWhenUniqueAndANameWins) {
  ContainerConfig config = Named("first");
  config.id = "aa" + std::string(62, '0');
  ASSERT_OK_AND_ASSIGN(const ContainerId first, ContainerId::Parse(config.id));
  ASSERT_OK(store_.Create(config));
  config = Named("second");
  config.id = "ab" + std::string(62, '0');
  ASSERT_OK_AND_ASSIGN(const ContainerId second, ContainerId::Parse(config.id));
  ASSERT_OK(store_.Create(config));
  EXPECT_EQ(store_.Find("aa").value(), first);
  EXPECT_THAT(store_.Find("a"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("ambiguous")));
  const ContainerId named = Make("ab");
  EXPECT_EQ(store_.Find("ab").value(), named);
  EXPECT_EQ(store_.Find("ab0").value(), second);
  config.name = "third";
  EXPECT_FALSE(store_.Create(config).ok());  // an id in use
  EXPECT_EQ(store_.Read(second)->config.name, "second");
}

TEST_F(StoreTest, DamagedRecordsAreNamedAndHarmNoOthers) {
  Make("good");
  const ContainerId bad_config = Make("bad-config");
  const ContainerId bad_state = Make("bad-state");
  const ContainerId empty = Make("empty");
  const ContainerId newer = Make("newer");
  const ContainerId foreign = Make("foreign");
  const ContainerId fifo = Make("fifo");
  Overwrite(File(bad_config, "config.json"), "{\"id\":\"");
  Overwrite(File(bad_state, "state.json"), "{\"exit_code\":\"x\"}");
  Overwrite(File(empty, "config.json"), "");
  Overwrite(File(newer, "state.json"), "{\"version\":999}");
  ASSERT_OK_AND_ASSIGN(const std::string other, ReadFile(File(newer, "config.json")));
  Overwrite(File(foreign, "config.json"), other);
  ASSERT_EQ(unlink(File(fifo, "config.json").c_str()), 0);
  ASSERT_EQ(mkfifo(File(fifo, "config.json").c_str(), 0600), 0);
  ASSERT_OK_AND_ASSIGN(const Listing listing, store_.List());
  EXPECT_THAT(listing.records, SizeIs(1));
  EXPECT_THAT(listing.damaged, SizeIs(6));
  EXPECT_THAT(store_.Read(bad_state),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("state.json is damaged: exit_code")));
  EXPECT_THAT(store_.Read(newer), StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(store_.Lock(bad_state), StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_THAT(store_.Create(Named("bad-config")), StatusIs(absl::StatusCode::kAlreadyExists));
  EXPECT_EQ(store_.Find(bad_config.Short()).value(), bad_config);
  ASSERT_OK(store_.RemoveDamaged(bad_config));
  Make("bad-config");
}

TEST_F(StoreTest, ALockIsWaitedForAndFreedByDeath) {
  const ContainerId id = Make("web");
  ASSERT_OK_AND_ASSIGN(const LockedContainer held, store_.Lock(id));
  EXPECT_THAT(store_.Lock(id, absl::Milliseconds(5)),
              StatusIs(absl::StatusCode::kDeadlineExceeded, HasSubstr("locked by process")));
  EXPECT_OK(store_.Read(id));  // needs no lock
  EXPECT_OK(store_.List());
  const ContainerId other = Make("other");
  Crash([&] {
    const absl::StatusOr<LockedContainer> held_to_the_end = store_.Lock(other);
    kill(getpid(), SIGKILL);
  });
  EXPECT_OK(store_.Lock(other, absl::ZeroDuration()));
}

TEST_F(StoreTest, ALockWaitedForDuringRemovalIsOfNothing) {
  const ContainerId id = Make("web");
  absl::StatusOr<LockedContainer> held = store_.Lock(id);
  ASSERT_OK(held);
  int started[2];
  ASSERT_EQ(pipe(started), 0);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    held->~LockedContainer();  // the child's copy, which would share the lock
    if (write(started[1], "x", 1) != 1) _exit(2);
    _exit(store_.Lock(id).status().code() == absl::StatusCode::kNotFound ? 0 : 1);
  }
  char byte;
  ASSERT_EQ(read(started[0], &byte, 1), 1);
  ASSERT_OK((*std::move(held)).Remove());
  int status;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  close(started[0]);
  close(started[1]);
}

TEST_F(StoreTest, RemovalSweepsWhatEarlierOnesLeft) {
  const ContainerId id = Make("web");
  const std::string rubbish = absl::StrCat(store_.root(), "/trash/", std::string(64, 'b'));
  ASSERT_OK(MakeDirs(absl::StrCat(rubbish, "/upper/deep"), 0700));
  ASSERT_OK_AND_ASSIGN(LockedContainer container, store_.Lock(id));
  ASSERT_OK(MakeDirs(File(id, "upper/deep"), 0700));
  ASSERT_OK(std::move(container).Remove());
  ASSERT_OK_AND_ASSIGN(const auto left, ListDirectory(absl::StrCat(store_.root(), "/trash")));
  EXPECT_THAT(left, IsEmpty());
}

TEST_F(StoreTest, TheNewestComesFirst) {
  for (const int second : {2, 3, 1}) {
    ContainerConfig config = Named(absl::StrCat("c", second));
    config.created_at = absl::FromUnixSeconds(second);
    ASSERT_OK(store_.Create(config));
  }
  ASSERT_OK_AND_ASSIGN(const Listing listing, store_.List());
  ASSERT_THAT(listing.records, SizeIs(3));
  EXPECT_EQ(listing.records[0].config.name, "c3");
  EXPECT_EQ(listing.records[2].config.name, "c1");
}

}  // namespace
}  // namespace tiny::state
