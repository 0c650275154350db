// Reading lines, and telling the end of a file from a read error.
#include "sys/text_file.hh"

#include <boost/test/unit_test.hpp>
#include <cerrno>
#include <string>
#include <vector>

#include "temporary_directory.hh"

using handoff::sys::TextFile;

BOOST_AUTO_TEST_SUITE(sys_text_file)

BOOST_AUTO_TEST_CASE(lines_are_returned_without_their_ends_including_the_last) {
  TemporaryDirectory place;
  std::string nul("with\0nul", 8);
  for (std::string end : {"", "\n"}) {
    place.write("lines", "one\r\n\n" + nul + end);
    auto file = TextFile::open(place.path("lines")).value();
    std::vector<std::string> lines;
    for (std::string line; file.next(line);) lines.push_back(line);
    std::vector<std::string> wanted{"one\r", "", nul};
    BOOST_TEST(lines == wanted);
    BOOST_TEST(file.status().ok());
  }
}

BOOST_AUTO_TEST_CASE(a_file_that_cannot_be_read_is_an_error) {
  auto directory = TextFile::open("/").value();
  std::string line;
  BOOST_TEST(!directory.next(line));
  BOOST_TEST(directory.status().error().code == EISDIR);
  BOOST_TEST(!directory.next(line));
  BOOST_TEST(TextFile::open("/nonexistent/file").error().code == ENOENT);
}

BOOST_AUTO_TEST_SUITE_END()
