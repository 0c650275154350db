// Who may read the files that are created in a mailbox.
#include "spool/access.hh"

#include <boost/test/unit_test.hpp>

using namespace handoff;
using namespace handoff::spool;

namespace {

Access in(mode_t mode) {
  sys::FileInfo info;
  info.mode = mode;
  info.group = 7;
  return access_in(info);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(spool_access)

BOOST_AUTO_TEST_CASE(a_group_gets_the_rights_that_it_has_in_the_mailbox) {
  struct Row {
    mode_t mailbox, file, directory;
  };
  constexpr Row kRows[] = {{0770, 0660, 0770}, {02770, 0660, 0770}, {0750, 0640, 0750},
                           {0710, 0600, 0710}, {0775, 0660, 0770},  {0755, 0600, 0700}};
  for (const auto& [mailbox, file, directory] : kRows) {
    auto access = in(mailbox);
    BOOST_TEST(access.file == file);
    BOOST_TEST(access.directory == directory);
    BOOST_TEST(access.group.has_value() == (directory != kDirectoryMode));
  }
}

BOOST_AUTO_TEST_CASE(nobody_gets_rights_in_a_mailbox_without_a_group) {
  for (mode_t mode : {0700u, 0711u, 0755u, 0777u, 02700u, 0704u}) {
    auto access = in(mode);
    BOOST_TEST(access.file == kFileMode);
    BOOST_TEST(access.directory == kDirectoryMode);
    BOOST_TEST(!access.group);
  }
}

BOOST_AUTO_TEST_SUITE_END()
