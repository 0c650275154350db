// The table of settings, the sample file and the manual agree.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "base/text.hh"
#include "conf/file.hh"
#include "conf/load.hh"
#include "conf/settings.hh"
#include "lookup_settings.hh"

using namespace handoff::conf;

namespace {

std::string read(const std::string& name) {
  auto path = std::filesystem::path(__FILE__).parent_path() / "../../.." / name;
  std::ifstream in(path);
  BOOST_REQUIRE_MESSAGE(in.is_open(), path);
  return {std::istreambuf_iterator<char>(in), {}};
}

// The sources contain the defaults for systems with /run; installed copies contain those of the
// build.
std::string as_written(std::string_view value) {
  std::string out(value);
  auto put = [&](std::string_view here, std::string_view there) {
    if (auto at = out.find(here); at != out.npos) out.replace(at, here.size(), there);
  };
  put(RUNSTATEDIR "/handoff/", "/run/handoff/");
  put(LOCALSTATEDIR "/spool/", "/var/spool/");
  return out;
}

// Returns the commented-out lines of the sample file for `setting`.
std::vector<std::string> sample_lines(const Setting& setting) {
  auto values = setting.defaults;
  if (values.empty()) values.push_back(setting.example);
  std::vector<std::string> out;
  for (auto value : values) {
    out.push_back("#" + std::string(setting.name) + " =" + (value.empty() ? "" : " ") +
                  as_written(value));
  }
  return out;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(conf_documents)

BOOST_AUTO_TEST_CASE(the_sample_has_every_setting_with_its_help_and_its_default_commented_out) {
  auto sample = read("etc/handoffd.conf");
  auto lines = handoff::split(sample, '\n');
  for (const auto& setting : settings()) {
    auto wanted = sample_lines(setting);
    auto at = std::search(lines.begin(), lines.end(), wanted.begin(), wanted.end());
    BOOST_TEST((at != lines.end()), wanted.front() + " is not in etc/handoffd.conf");
    std::string help;
    while (at != lines.begin() && at != lines.end() && (at - 1)->starts_with("# ")) {
      --at;
      help = std::string(at->substr(2)) + (help.empty() ? "" : " ") + help;
    }
    BOOST_TEST(help == setting.help, "etc/handoffd.conf: " << setting.name << ": " << help);
  }
}

BOOST_AUTO_TEST_CASE(an_uncommented_sample_still_equals_the_defaults) {
  auto sample = read("etc/handoffd.conf");
  BOOST_TEST(read_text(sample, "sample").empty());
  std::string uncommented;
  for (auto line : handoff::split(sample, '\n')) {
    bool key = line.size() > 1 && line[0] == '#' && handoff::is_alpha(line[1]);
    uncommented += std::string(key ? line.substr(1) : line) + "\n";
  }
  auto defaults = combine({}, {});
  auto all = combine(read_text(uncommented, "sample"), {});
  for (const auto& setting : settings()) {
    if (setting.defaults.empty()) continue;
    auto name = std::string(setting.name);
    BOOST_TEST(all.values.at(name).size() == defaults.values.at(name).size());
    BOOST_CHECK(all.values.at(name).front().source == Assignment::Source::kFile);
  }
}

BOOST_AUTO_TEST_CASE(the_manual_describes_exactly_the_settings_with_their_defaults) {
  auto manual = read("man/handoffd.conf.5");
  const std::string kItem = "\n.It Cm ";
  unsigned described = 0;
  for (const auto& setting : settings()) {
    // ".It Cm spool.path No = Ar directory" and the text up to the next .It.
    auto begin = manual.find(kItem + std::string(setting.name) + " No = ");
    BOOST_TEST((begin != std::string::npos), setting.name << " is not in man/handoffd.conf.5");
    if (begin == std::string::npos) continue;
    ++described;
    auto text = manual.substr(begin, manual.find(kItem, begin + 1) - begin);
    for (auto value : setting.defaults) {
      if (value.empty()) continue;
      BOOST_TEST((text.find(".Ql " + as_written(value)) != std::string::npos),
                 "man/handoffd.conf.5: " << setting.name << " lacks its default, .Ql " << value);
    }
  }
  unsigned items = 0;
  for (auto line : handoff::split(manual, '\n')) {
    if (line.starts_with(".It Cm ") && line.find(" No = ") != std::string_view::npos) ++items;
  }
  BOOST_TEST(items == described);
}

BOOST_AUTO_TEST_SUITE_END()
