// Command lines: their ends and their maximum length.
#include <boost/test/unit_test.hpp>

#include "lmtp/command.hh"
#include "lmtp/dialogue.hh"
#include "lmtp/line_reader.hh"

using namespace handoff::lmtp;
using handoff::escape;

namespace {

// Returns `verb`, padded to a line of `size` octets with its CRLF.
std::string line_of(std::string_view start, std::size_t size, std::string_view end = "") {
  std::string line(start);
  line.append(size - line.size() - end.size() - 2, 'x');
  return line + std::string(end) + "\r\n";
}

// Returns all lines of `input` in reads of `size` octets, with "…" for a line that is too long.
std::vector<std::string> lines_of(std::string_view input, std::size_t size, std::size_t limit,
                                  bool lenient = false) {
  LineReader reader(lenient);
  std::vector<std::string> lines;
  for (; !input.empty(); input.remove_prefix(std::min(size, input.size()))) {
    std::string copy(input.substr(0, size));
    std::string_view piece = copy;
    while (auto line = reader.next(piece, limit)) {
      lines.emplace_back(line->too_long ? "…" : line->text);
    }
    BOOST_TEST(piece.empty());
  }
  BOOST_TEST(!reader.in_line());
  return lines;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(lmtp_line)

BOOST_AUTO_TEST_CASE(only_crlf_ends_a_line_however_the_input_is_split_S1) {
  std::string input = "a\r\n\r\nb\nc\rd\r\r\n\n\r\n\r\r\n";
  std::vector<std::string> expected{"a", "", "b\nc\rd\r", "\n", "\r"};
  for (std::size_t size = 1; size <= input.size(); ++size) {
    BOOST_TEST(lines_of(input, size, 100) == expected, boost::test_tools::per_element());
  }
}

BOOST_AUTO_TEST_CASE(a_bare_lf_ends_a_line_if_so_configured_S1) {
  std::string input = "a\r\nb\n\n\r\nc\rd\r\r\n";
  std::vector<std::string> expected{"a", "b", "", "", "c\rd\r"};
  for (std::size_t size = 1; size <= input.size(); ++size) {
    BOOST_TEST(lines_of(input, size, 100, true) == expected, boost::test_tools::per_element());
  }
}

BOOST_AUTO_TEST_CASE(the_limit_counts_the_line_end_and_a_long_line_is_one_line_S4) {
  std::string input = "12345678\r\n123456789\r\n" + std::string(100, 'x') + "\nNOOP\r\nabc\r\n";
  std::vector<std::string> expected{"12345678", "…", "…", "abc"};
  for (std::size_t size = 1; size <= input.size(); ++size) {
    BOOST_TEST(lines_of(input, size, 10) == expected, boost::test_tools::per_element());
  }
}

BOOST_AUTO_TEST_CASE(a_cleared_reader_drops_an_incomplete_line) {
  for (const auto& begun : std::vector<std::string>{"NOOP\r", "MAIL", std::string(50, 'x')}) {
    LineReader reader(false);
    std::string_view piece = begun;
    BOOST_TEST(!reader.next(piece, 10));
    BOOST_TEST(reader.in_line());
    reader.clear();
    BOOST_TEST(!reader.in_line());
    piece = "\nQUIT\r\n";
    BOOST_TEST(reader.next(piece, 10)->text == "\nQUIT");
  }
}

BOOST_AUTO_TEST_CASE(a_bare_lf_or_cr_or_a_nul_in_a_command_is_one_refusal_S1) {
  for (std::string_view command :
       {"NOOP\nRSET", "NOOP\nQUIT\n", "\nNOOP", "NOOP\rRSET", "NOOP\r", "\rNOOP", "RSET\n.\n"}) {
    Dialogue dialogue;
    dialogue.send(hello());
    BOOST_TEST(
        codes(dialogue.send(std::string(command) + "\r\nNOOP\r\n")) == "500 5.5.2, 250 2.0.0",
        escape(command));
  }
  Dialogue dialogue;
  BOOST_TEST(codes(dialogue.send(std::string_view("NO\0OP\r\n\0\r\nNOOP\0\r\n", 18))) ==
             "500 5.5.2, 500 5.5.2, 500 5.5.2");
}

BOOST_AUTO_TEST_CASE(a_bare_lf_equals_crlf_if_newlines_are_lenient_S1) {
  auto options = plain_options();
  options.lenient_newlines = true;
  Dialogue dialogue(options);
  BOOST_TEST(codes(dialogue.send("LHLO x\nNOOP\r\nMAIL FROM:<>\nRCPT TO:<a@x.example>\r\nNOOP\rX\n"
                                 "NOOP\r\r\nDATA\n")) ==
             "250, 250 2.0.0, 250 2.1.0, 250 2.1.5, 500 5.5.2, 500 5.5.2, 354");
  // The setting does not apply to content.
  BOOST_TEST(dialogue.send("a\n.\nRSET\n.\r\nb\r\n.\n") == "");
  BOOST_TEST(codes(dialogue.send("\r\n.\r\nQUIT\n")) == "250 2.0.0, 221 2.0.0");
  BOOST_TEST(escape(dialogue.last().body()) == escape("a\n.\nRSET\n.\r\nb\r\n\n\r\n"));
}

BOOST_AUTO_TEST_CASE(a_command_may_have_512_octets_and_no_more_S4) {
  for (auto verb : {"NOOP ", "HELP ", "LHLO "}) {
    Dialogue dialogue;
    BOOST_TEST(codes(dialogue.send(line_of(verb, 512))).starts_with("2"), verb);
    BOOST_TEST(codes(dialogue.send(line_of(verb, 513))) == "500 5.5.2", verb);
  }
  Dialogue dialogue;
  BOOST_TEST(codes(dialogue.send(line_of("FOO ", 512) + line_of("FOO ", 513))) ==
             "500 5.5.1, 500 5.5.2");
}

// Blanks count towards the limit.
BOOST_AUTO_TEST_CASE(spaces_count_towards_the_limit_S4) {
  auto blanks = [](std::string_view start, std::size_t size) {
    return std::string(start) + std::string(size - start.size() - 2, ' ') + "\r\n";
  };
  Dialogue dialogue;
  BOOST_TEST(codes(dialogue.send(blanks("NOOP", 512) + blanks("NOOP", 513))) ==
             "250 2.0.0, 500 5.5.2");
}

BOOST_AUTO_TEST_CASE(mail_may_be_longer_by_size_and_body_S4_X3_X4) {
  // RFC 1870 3: SIZE adds 26 octets; RFC 6152 2: BODY adds 17.
  BOOST_TEST(kSizeExtra + kBodyExtra == 43u);
  for (std::size_t over : {0u, 1u, 43u}) {
    Dialogue dialogue;
    dialogue.send(hello());
    std::string path = "MAIL FROM:<a@x.example>";
    path.resize(512 + over - 14 - 2, ' ');
    BOOST_TEST(codes(dialogue.send(path + " BODY=8BITMIME\r\n")) == "250 2.1.0", over);
  }
  Dialogue dialogue;
  dialogue.send(hello());
  BOOST_TEST(codes(dialogue.send(line_of("MAIL FROM:<> FOO=", 555) +
                                 line_of("MAIL FROM:<> FOO=", 556))) == "555 5.5.4, 500 5.5.2");
  // The extensions extend the limit of MAIL only.
  BOOST_TEST(codes(dialogue.send("MAIL FROM:<>\r\n" + line_of("RCPT TO:<a@x.example> FOO=", 512) +
                                 line_of("RCPT TO:<a@x.example> FOO=", 513))) ==
             "250 2.1.0, 555 5.5.4, 500 5.5.2");
}

// The addition of each RFC: RFC 6531 3.1, RFC 3461 4, RFC 7293 3, RFC 4954 3 and 4.
BOOST_AUTO_TEST_CASE(each_extension_adds_the_octets_of_its_rfc_only_if_offered_S4) {
  constexpr std::size_t kMail = 512 + 26 + 17;
  auto utf8 = plain_options();
  utf8.utf8 = true;
  auto dsn = plain_options();
  dsn.dsn = true;
  auto rrvs = plain_options();
  rrvs.rrvs = true;
  auto trusted = plain_peer();
  trusted.trusted = true;
  auto authenticating = plain_peer();
  authenticating.mechanisms = "PLAIN";
  struct Row {
    SessionOptions options;
    SessionPeer peer;
    std::string command;
    std::size_t longest;
  };
  for (const auto& row : {
           Row{plain_options(), plain_peer(), "MAIL FROM:<> X=", kMail},
           {plain_options(), plain_peer(), "RCPT TO:<a@x.example> X=", 512},
           {plain_options(), plain_peer(), "XFORWARD X=", 512},
           {plain_options(), plain_peer(), "AUTH X", 512},
           {utf8, plain_peer(), "MAIL FROM:<> X=", kMail + 10},
           {dsn, plain_peer(), "MAIL FROM:<> X=", kMail + 9 + 107},
           {dsn, plain_peer(), "RCPT TO:<a@x.example> X=", 512 + 29 + 507},
           {rrvs, plain_peer(), "RCPT TO:<a@x.example> X=", 512 + 33},
           {plain_options(), trusted, "RCPT TO:<a@x.example> X=", 512 + 507},
           {plain_options(), trusted, "XFORWARD X=", 2048},
           {plain_options(), authenticating, "MAIL FROM:<> X=", kMail + 500},
           {plain_options(), authenticating, "AUTH X", 12288},
       }) {
    Dialogue dialogue(row.options, row.peer);
    dialogue.send(hello() + (row.command.starts_with("RCPT") ? "MAIL FROM:<>\r\n" : ""));
    BOOST_TEST(codes(dialogue.send(line_of(row.command, row.longest))) != "500 5.5.2", row.command);
    BOOST_TEST(codes(dialogue.send(line_of(row.command, row.longest + 1))) == "500 5.5.2",
               row.command);
  }
}

BOOST_AUTO_TEST_CASE(no_part_of_a_line_that_is_too_long_is_executed_S4) {
  for (std::size_t size : {513u, 556u, 600u, 5000u}) {
    auto input = line_of("NOOP ", size, "\nQUIT") + line_of("\rRSET", size, "QUIT") + "NOOP\r\n";
    for (std::size_t piece : {1u, 7u, 511u, 512u, 513u, 555u, 556u, 4096u}) {
      Dialogue dialogue;
      BOOST_TEST(codes(dialogue.send_in_pieces(input, piece)) == codes(Dialogue().send(input)),
                 size << " in pieces of " << piece);
      BOOST_TEST(codes(dialogue.replies) == "220, 500 5.5.2, 500 5.5.2, 250 2.0.0");
    }
  }
}

BOOST_AUTO_TEST_CASE(a_line_that_is_too_long_is_answered_once_at_every_split_S4) {
  auto input = line_of("NOOP ", 600, " QUIT") + "NOOP\r\n";
  for (std::size_t at = 0; at <= input.size(); ++at) {
    Dialogue dialogue;
    dialogue.send(std::string_view(input).substr(0, at));
    dialogue.send(std::string_view(input).substr(at));
    BOOST_TEST(codes(dialogue.replies) == "220, 500 5.5.2, 250 2.0.0");
  }
}

BOOST_AUTO_TEST_SUITE_END()
