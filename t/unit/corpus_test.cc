// The corpus of the fuzzer and all that it ever found, without the fuzzer. A file that breaks a
// property fails here with its name.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "fuzz/targets.hh"

namespace {

// The files of t/fuzz/corpus/TARGET and t/fuzz/findings/TARGET.
std::vector<std::filesystem::path> files_for(std::string_view target) {
  std::vector<std::filesystem::path> out;
  for (auto folder : {"corpus", "findings"}) {
    auto path = std::filesystem::path(__FILE__).parent_path() / "../fuzz" / folder / target;
    if (!std::filesystem::is_directory(path)) continue;
    for (const auto& entry : std::filesystem::directory_iterator(path)) out.push_back(entry.path());
  }
  std::ranges::sort(out);
  return out;
}

void run(std::string_view name) {
  for (const auto& target : handoff::fuzz::targets()) {
    if (target.name != name) continue;
    auto files = files_for(name);
    BOOST_TEST(files.size() > 10u);  // a corpus that got lost would test nothing
    for (const auto& path : files) {
      std::ifstream file(path, std::ios::binary);
      std::string octets(std::istreambuf_iterator<char>(file), {});
      try {
        target.run(octets);
      } catch (const std::exception& broken) {
        BOOST_ERROR(path << ": " << broken.what());
      }
    }
    return;
  }
  BOOST_ERROR("no such target: " << name);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(fuzz_corpus)

BOOST_AUTO_TEST_CASE(sessions_keep_their_properties_S7_X1_X5_L4_L7) { run("session"); }
BOOST_AUTO_TEST_CASE(paths_keep_their_properties_S3_X7) { run("path"); }
BOOST_AUTO_TEST_CASE(parameters_keep_their_properties_S5_X8_X12) { run("parameters"); }
BOOST_AUTO_TEST_CASE(content_keeps_its_properties_S7_S9_X5) { run("data"); }
BOOST_AUTO_TEST_CASE(configurations_keep_their_properties) { run("config"); }
BOOST_AUTO_TEST_CASE(every_target_is_run) { BOOST_TEST(handoff::fuzz::targets().size() == 5u); }

BOOST_AUTO_TEST_SUITE_END()
