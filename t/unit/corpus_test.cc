// Runs the fuzzer's corpus and all of its findings, without the fuzzer. A file that breaks a
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

// Returns the files of t/fuzz/corpus/TARGET and t/fuzz/findings/TARGET.
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
    BOOST_TEST(files.size() > 10u);  // an empty corpus would test nothing
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

BOOST_AUTO_TEST_CASE(the_corpus_of_sessions_violates_no_property_S7_X1_X5_L4_L7) { run("session"); }
BOOST_AUTO_TEST_CASE(the_corpus_of_paths_violates_no_property_S3_X7) { run("path"); }
BOOST_AUTO_TEST_CASE(the_corpus_of_parameters_violates_no_property_S5_X8_X12) { run("parameters"); }
BOOST_AUTO_TEST_CASE(the_corpus_of_content_violates_no_property_S7_S9_X5) { run("data"); }
BOOST_AUTO_TEST_CASE(the_corpus_of_proxy_headers_violates_no_property) { run("proxy"); }
BOOST_AUTO_TEST_CASE(the_corpus_of_configurations_violates_no_property) { run("config"); }
BOOST_AUTO_TEST_CASE(the_corpus_of_scripts_violates_no_property_F3_F4) { run("sieve"); }
BOOST_AUTO_TEST_CASE(the_corpus_of_lookup_answers_violates_no_property_R2) { run("answer"); }
BOOST_AUTO_TEST_CASE(the_corpus_of_delivery_requests_violates_no_property) { run("request"); }
BOOST_AUTO_TEST_CASE(the_corpus_of_handovers_violates_no_property) { run("handover"); }
BOOST_AUTO_TEST_CASE(the_corpus_of_http_requests_violates_no_property) { run("http"); }
BOOST_AUTO_TEST_CASE(every_fuzz_target_has_a_test_case) {
  BOOST_TEST(handoff::fuzz::targets().size() == 11u);
}

BOOST_AUTO_TEST_SUITE_END()
