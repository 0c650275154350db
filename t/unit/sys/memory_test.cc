// A file in memory that can no longer be changed.
#include "sys/memory.hh"

#include <sys/mman.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <string>

using namespace handoff::sys;

BOOST_AUTO_TEST_SUITE(sys_memory)

#ifdef HAVE_MEMFD_CREATE
BOOST_AUTO_TEST_CASE(a_sealed_file_can_be_mapped_but_not_written) {
  auto file = anonymous_file().value();
  BOOST_TEST(::write(file.get(), "octets", 6) == 6);
  BOOST_TEST(seal(file).ok());
  auto reader = reopen_to_read(file).value();
  BOOST_TEST(::pwrite(file.get(), "x", 1, 0) == -1);
  BOOST_TEST(errno == EPERM);
  BOOST_TEST(::pwrite(reader.get(), "x", 1, 0) == -1);
  BOOST_TEST(errno == EBADF);  // older kernels require this to map a sealed file
  void* memory = ::mmap(nullptr, 6, PROT_READ, MAP_SHARED, reader.get(), 0);
  BOOST_REQUIRE(memory != MAP_FAILED);
  BOOST_TEST(std::string(static_cast<const char*>(memory), 6) == "octets");
  ::munmap(memory, 6);
}
#endif

BOOST_AUTO_TEST_SUITE_END()
