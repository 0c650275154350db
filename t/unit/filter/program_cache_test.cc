// Scripts that their owners change while they are read.
#include "filter/program_cache.hh"

#include <boost/test/unit_test.hpp>
#include <cerrno>
#include <cstring>

#include "temporary_directory.hh"

using namespace handoff;

namespace {

// The owner of the file extends it after its size was queried.
class GrowingFiles final : public sys::Files {
 public:
  std::uint64_t grown = 0;  // octets

  Result<std::size_t> read_at(const sys::Fd&, std::uint64_t offset, char* buffer,
                              std::size_t size) override {
    auto n = static_cast<std::size_t>(std::min<std::uint64_t>(size, grown - offset));
    std::memset(buffer, '\n', n);
    return n;
  }
};

sys::Fd open_file(sys::Files& files, const TemporaryDirectory& place, const std::string& name) {
  return files.open_followed(place.path(name)).value();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(filter_program_cache)

BOOST_AUTO_TEST_CASE(a_file_is_read_up_to_the_limit_whatever_its_size_was) {
  TemporaryDirectory place;
  place.write("script", "keep;\n");
  GrowingFiles files;
  auto file = open_file(files, place, "script");
  files.grown = 100'000;
  auto text = filter::read_all(files, file, 100'000);
  BOOST_REQUIRE(text.ok());
  BOOST_TEST(text.value().size() == 100'000u);
  BOOST_TEST(filter::read_all(files, file, 99'999).error().code == EFBIG);
  files.grown = std::uint64_t{1} << 40;
  BOOST_TEST(filter::read_all(files, file, 1 << 20).error().code == EFBIG);
  files.grown = 3;  // it became shorter
  BOOST_TEST(filter::read_all(files, file, 1 << 20).value() == "\n\n\n");
}

// A sparse file takes no room on the disk.
BOOST_AUTO_TEST_CASE(a_huge_file_is_refused_before_it_is_read) {
  TemporaryDirectory place;
  place.write("script", "keep;\n");
  std::filesystem::resize_file(place.path("script"), std::uintmax_t{1} << 40);
  sys::Files files;
  auto file = open_file(files, place, "script");
  BOOST_TEST(filter::read_all(files, file, 1 << 20).error().code == EFBIG);
}

BOOST_AUTO_TEST_CASE(a_directory_is_not_a_script) {
  TemporaryDirectory place;
  sys::Files files;
  auto directory = files.open_root(place.path()).value();
  BOOST_TEST(filter::read_all(files, directory, 1 << 20).error().code == EINVAL);
}

BOOST_AUTO_TEST_SUITE_END()
