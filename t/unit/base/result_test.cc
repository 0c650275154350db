#include "base/result.hh"

#include <boost/test/unit_test.hpp>
#include <memory>

using namespace handoff;

BOOST_AUTO_TEST_SUITE(base_result)

BOOST_AUTO_TEST_CASE(a_result_is_a_value_or_an_error) {
  Result<std::string> good(std::string("x"));
  BOOST_TEST(good.ok());
  BOOST_TEST(static_cast<bool>(good));
  BOOST_TEST(good.value() == "x");
  Result<std::string> bad(Error{ENOSPC, "write", "a/b"});
  BOOST_TEST(!bad.ok());
  BOOST_TEST(!static_cast<bool>(bad));
  BOOST_TEST(bad.error().code == ENOSPC);
}

BOOST_AUTO_TEST_CASE(a_value_can_be_moved_out) {
  Result<std::unique_ptr<int>> result(std::make_unique<int>(7));
  auto value = std::move(result).value();
  BOOST_TEST(*value == 7);
}

BOOST_AUTO_TEST_CASE(a_result_whose_value_is_an_error_is_unambiguous) {
  Result<Status> inner{Status(Error{EIO, "fsync", ""})};
  BOOST_TEST(inner.ok());
  BOOST_TEST(!inner.value().ok());
}

BOOST_AUTO_TEST_CASE(a_status_is_success_or_an_error) {
  BOOST_TEST(Status().ok());
  Status bad(Error{EIO, "fsync", ""});
  BOOST_TEST(!bad.ok());
  BOOST_TEST(bad.error().code == EIO);
}

BOOST_AUTO_TEST_CASE(an_error_names_the_call_and_its_path) {
  BOOST_TEST((Error{EIO, "fsync", "a/new"}.describe()) == "fsync a/new: Input/output error");
  BOOST_TEST((Error{EIO, "lookup", ""}.describe()) == "lookup: Input/output error");
}

BOOST_AUTO_TEST_CASE(a_sentence_is_not_followed_by_the_text_of_an_errno) {
  auto full = explained(EDQUOT, "over quota", "example.org/pat", Reason::kOverQuota);
  BOOST_TEST(full.describe() == "over quota: example.org/pat");
  BOOST_TEST(full.cause() == "over quota");
  BOOST_TEST(explained(ENOENT, "no such group: postfx").describe() == "no such group: postfx");
}

BOOST_AUTO_TEST_SUITE_END()
