// Log lines that a syslog would truncate.
#include <boost/test/unit_test.hpp>

#include "sys/log.hh"

using namespace handoff::sys;

BOOST_AUTO_TEST_SUITE(sys_log_line)

BOOST_AUTO_TEST_CASE(a_long_line_keeps_every_field_and_the_short_ones_whole) {
  Fields fields{{"id", "abc"},
                {"from", std::string(300, 'f')},
                {"to", std::string(320, 't')},
                {"message_id", std::string(900, '\x01')},
                {"reply", "250 2.0.0 ok"}};
  auto line = shortened(fields, 900, [](const Fields& f) { return format_text("delivered", f); });
  BOOST_TEST(line.size() < 900U);
  for (auto part : {"id=abc", " from=", " to=", " message_id=", "reply=\"250 2.0.0 ok\"", "..."}) {
    BOOST_TEST(line.find(part) != line.npos, part);
  }
}

BOOST_AUTO_TEST_CASE(a_line_full_of_escaped_characters_keeps_its_outcome) {
  Fields fields{{"id", "abc"}};
  for (auto name : {"queue_id", "from", "to", "orig_to", "message_id", "mailbox", "folder",
                    "client", "orig_client", "auth"}) {
    fields.emplace_back(name, std::string(40, '\x80'));
  }
  fields.emplace_back("code", 250);
  fields.emplace_back("cause", std::string(200, '\x80'));
  auto line = shortened(fields, 900, [](const Fields& f) { return format_text("delivered", f); });
  BOOST_TEST(line.size() < 900U);
  BOOST_TEST(line.find("code=250") != line.npos);
}

BOOST_AUTO_TEST_CASE(a_short_line_is_left_alone) {
  Fields fields{{"id", std::string(200, 'x')}};
  auto line = shortened(fields, 900, [](const Fields& f) { return format_text("m", f); });
  BOOST_TEST(line == "m id=" + std::string(200, 'x'));
}

BOOST_AUTO_TEST_SUITE_END()
