// Users and groups. Dropped root privileges cannot be regained.
#include "sys/account.hh"

#include <grp.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <cerrno>

#include "in_child.hh"

using namespace handoff::sys;

BOOST_AUTO_TEST_SUITE(sys_account)

BOOST_AUTO_TEST_CASE(a_user_is_found_by_name_and_by_number) {
  auto root = find_account("root", "");
  BOOST_REQUIRE(root.ok());
  BOOST_TEST(root.value().uid == 0u);
  BOOST_TEST(root.value().gid == 0u);
  BOOST_TEST(find_account("0", "").value().name == "root");
}

BOOST_AUTO_TEST_CASE(a_group_replaces_the_users_own) {
  BOOST_TEST(find_account("root", "54321").value().gid == 54321u);
  BOOST_TEST(find_group("54321").value() == 54321u);
  BOOST_TEST(find_account("root", "no-such-group-here").error().code == ENOENT);
}

BOOST_AUTO_TEST_CASE(an_unknown_user_or_group_is_ENOENT_and_named) {
  auto user = find_account("no-such-user-here", "");
  BOOST_TEST(user.error().code == ENOENT);
  BOOST_TEST(user.error().path == "no-such-user-here");
  BOOST_TEST(find_group("no-such-group-here").error().code == ENOENT);
  BOOST_TEST(find_account("", "").error().code == ENOENT);
}

BOOST_AUTO_TEST_CASE(numbers_that_are_not_valid_ids_are_unknown) {
  // 2^32 must not be treated as 0, which is root.
  BOOST_TEST(!find_account("4294967296", "").ok());
  BOOST_TEST(!find_group("4294967296").ok());
  BOOST_TEST(!find_group("4294967295").ok());  // (gid_t)-1 means "leave as it is" to chown
}

BOOST_AUTO_TEST_CASE(a_process_that_became_a_user_keeps_no_rights_of_root) {
  if (::geteuid() != 0) return;
  auto nobody = find_account("nobody", "");
  BOOST_REQUIRE(nobody.ok());
  auto said = in_child([&]() -> std::string {
    if (auto done = become(nobody.value()); !done) return done.error().describe();
    std::string out;
    uid_t real, effective, saved;
    ::getresuid(&real, &effective, &saved);
    for (uid_t id : {real, effective, saved}) out += id == nobody.value().uid ? "u" : "-";
    gid_t groups[64];
    int n = ::getgroups(64, groups);
    bool roots = ::getegid() == 0;
    for (int i = 0; i < n; ++i) roots = roots || groups[i] == 0;
    out += roots ? " root's group" : " no group of root";
    out += ::setuid(0) == 0 ? " and back" : " for good";
    // A second call has nothing to do.
    out += become(nobody.value()) ? " ok" : " fails";
    return out;
  });
  BOOST_TEST(said == "uuu no group of root for good ok");
}

BOOST_AUTO_TEST_CASE(without_root_a_process_cannot_become_another_user) {
  auto nobody = find_account("nobody", "");
  BOOST_REQUIRE(nobody.ok());
  auto said = in_child([&]() -> std::string {
    if (::geteuid() == 0 && !become(nobody.value())) return "cannot try";
    auto root = become({"root", 0, 0});
    auto other = become({"other", 54321, 54321});
    return std::string(root ? "root " : "not root ") + (other ? "other" : "not other");
  });
  BOOST_TEST(said == "not root not other");
}

BOOST_AUTO_TEST_SUITE_END()
