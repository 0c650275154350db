#include "ctl/progress.hh"

#include <boost/test/unit_test.hpp>
#include <sstream>

using namespace std::chrono_literals;
using handoff::ctl::Progress;

namespace {

constexpr handoff::sys::Steady::time_point kBegin{1h};
constexpr std::uint64_t kMebibyte = 1 << 20;

}  // namespace

BOOST_AUTO_TEST_SUITE(ctl_progress)

BOOST_AUTO_TEST_CASE(a_short_transfer_shows_no_progress) {
  std::ostringstream out;
  Progress progress(&out, 2 * kMebibyte, kBegin);
  progress.add(kMebibyte, kBegin + 100ms);
  progress.add(kMebibyte, kBegin + 400ms);
  progress.sent();
  progress.clear();
  BOOST_TEST(out.str() == "");
}

BOOST_AUTO_TEST_CASE(a_line_is_overwritten_and_removed) {
  std::ostringstream out;
  Progress progress(&out, 4 * kMebibyte, kBegin);
  progress.add(kMebibyte, kBegin + 500ms);
  BOOST_TEST(out.str() == "\r\x1b[Ksent 1.0 MiB of 4.0 MiB, 25 %");
  out.str("");
  progress.add(kMebibyte, kBegin + 550ms);  // too soon for another line
  BOOST_TEST(out.str() == "");
  progress.add(kMebibyte, kBegin + 600ms);
  BOOST_TEST(out.str() == "\r\x1b[Ksent 3.0 MiB of 4.0 MiB, 75 %");
  out.str("");
  progress.sent();
  BOOST_TEST(out.str() == "\r\x1b[Ksent 3.0 MiB, waiting for the server");
  out.str("");
  progress.clear();
  progress.clear();
  BOOST_TEST(out.str() == "\r\x1b[K");
}

BOOST_AUTO_TEST_CASE(without_a_total_or_beyond_it_no_percentage_is_shown) {
  std::ostringstream out;
  Progress open(&out, {}, kBegin);
  open.add(512, kBegin + 1s);
  BOOST_TEST(out.str() == "\r\x1b[Ksent 512 B");
  out.str("");
  Progress grown(&out, 100, kBegin);  // the file has grown since
  grown.add(512, kBegin + 1s);
  BOOST_TEST(out.str() == "\r\x1b[Ksent 512 B");
}

BOOST_AUTO_TEST_CASE(without_a_terminal_no_progress_is_shown) {
  Progress progress(nullptr, {}, kBegin);
  progress.add(kMebibyte, kBegin + 1h);
  progress.sent();
  progress.clear();
}

BOOST_AUTO_TEST_SUITE_END()
