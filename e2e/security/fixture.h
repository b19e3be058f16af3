// What the security tests share: a root file system that holds busybox and the probe, a canary
// beside it that nothing may touch, tiny-oci, and the host's mounts, looked at before and after.
#ifndef TINY_E2E_SECURITY_FIXTURE_H_
#define TINY_E2E_SECURITY_FIXTURE_H_

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "e2e/harness.h"
#include "testing/temp_dir.h"

namespace tiny::e2e {

class SecurityTest : public TinyTest {
 protected:
  void SetUp() override;
  void TearDown() override;

  std::string Path(const std::string& name) const { return files_.Path(name); }
  std::string Root() const { return files_.Path("root"); }
  std::string Canary() const { return files_.Path("canary"); }
  // A text that stands in the canary's files only: where it is seen, something leaked.
  static constexpr char kToken[] = "canary-3f8a91";

  // Makes the root anew.
  void MakeRoot();
  // Puts a link in the root, in the place of what is there.
  void Plant(const std::string& path, const std::string& target);
  void WriteIn(const std::string& path, const std::string& text, mode_t mode = 0644);

  // `run --rm` of the root, without a network.
  std::vector<std::string> RootArgs(const std::vector<std::string>& args) const;
  Result RunRoot(const std::vector<std::string>& args);

  // A bundle whose config.json is that of `tiny-oci spec` with the root, `args` and what `change`
  // does to it; returns the words of `tiny-oci run`.
  using Change = std::function<void(nlohmann::json&)>;
  std::vector<std::string> Bundle(const std::vector<std::string>& args,
                                  const Change& change = nullptr);
  std::vector<std::string> Oci(const std::vector<std::string>& args) const;
  Result RunOci(const std::vector<std::string>& args, const Change& change = nullptr);

  // Everything in the canary: paths, types, modes, owners, times, extended attributes, contents.
  std::string Snapshot() const;

 private:
  testing::TempDir files_;
  std::string before_;
  std::string mounts_;
  int bundles_ = 0;
};

// "a b\nc d\n" -> {{"a", "b"}, {"c", "d"}}: each line's first word, and the rest.
std::map<std::string, std::string> Table(const std::string& text);

}  // namespace tiny::e2e

#endif  // TINY_E2E_SECURITY_FIXTURE_H_
