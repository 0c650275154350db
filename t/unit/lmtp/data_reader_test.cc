// DataReader finds the same end of data as a simple reference implementation.
#include "lmtp/data_reader.hh"

#include <boost/test/unit_test.hpp>

#include "lmtp/dialogue.hh"

using namespace handoff::lmtp;
using handoff::escape;

namespace {

struct Read {
  std::string content;
  std::string rest;  // after the end
  bool ended = false;
  bool operator==(const Read&) const = default;
};

// RFC 5321 4.5.2, literally: lines end in CRLF; one that is "." is the end; a dot at the start of
// any other line is deleted.
Read reference(std::string_view input) {
  Read read;
  for (;;) {
    auto end = input.find("\r\n");
    if (end == std::string_view::npos) return read;
    auto line = input.substr(0, end);
    input.remove_prefix(end + 2);
    if (line == ".") {
      read.rest = input;
      read.ended = true;
      return read;
    }
    if (line.starts_with('.')) line.remove_prefix(1);
    read.content += std::string(line) + "\r\n";
  }
}

Read read(const std::vector<std::string_view>& buffers) {
  Read out;
  DataReader reader;
  for (auto buffer : buffers) {
    std::string copy(buffer);  // a separate copy, so that a view of an earlier buffer is detected
    std::string_view input = copy;
    while (!input.empty() && !out.ended) {
      auto piece = reader.next(input);
      out.content += piece.octets;
      out.ended = piece.end;
    }
    out.rest += input;
  }
  return out;
}

std::vector<std::string_view> octet_by_octet(std::string_view text) {
  std::vector<std::string_view> out;
  for (std::size_t i = 0; i < text.size(); ++i) out.push_back(text.substr(i, 1));
  return out;
}

// Tests every text of up to `length` octets from CR, LF, NUL, dot and x. Returns their number.
template <class F>
std::size_t for_every_text(std::size_t length, F use) {
  constexpr std::string_view kOctets("\r\n\0.x", 5);
  std::size_t count = 1, all = 0;
  for (std::size_t n = 0; n <= length; ++n, count *= kOctets.size()) {
    all += count;
    for (std::size_t number = 0; number < count; ++number) {
      std::string text;
      for (auto rest = number; text.size() < n; rest /= kOctets.size()) {
        text += kOctets[rest % kOctets.size()];
      }
      use(text);
    }
  }
  return all;
}

// RFC 5321 2.3.8: CR and LF occur together or not at all.
bool has_bare_newline(std::string_view content) {
  for (std::size_t i = 0; i < content.size(); ++i) {
    bool cr_before = i > 0 && content[i - 1] == '\r';
    bool lf_behind = i + 1 < content.size() && content[i + 1] == '\n';
    if (content[i] == '\n' && !cr_before) return true;
    if (content[i] == '\r' && !lf_behind) return true;
  }
  return false;
}

const std::string kStart = hello() + envelope_of({"a@x.example", "b@x.example"}) + "DATA\r\n";

}  // namespace

BOOST_AUTO_TEST_SUITE(lmtp_data_reader)

BOOST_AUTO_TEST_CASE(data_ends_as_the_rfc_requires_at_every_split_S7) {
  std::size_t checked = 0;
  for_every_text(6, [&](const std::string& text) {
    for (std::string before : {"", "ab"}) {
      auto input = before + text + "c\r\n.\r\nQUIT\r\n";
      auto expected = reference(input);
      std::string_view all = input;
      bool same = read({all}) == expected && read(octet_by_octet(all)) == expected;
      for (std::size_t at = 1; at <= before.size() + text.size() + 5; ++at) {
        same = same && read({all.substr(0, at), all.substr(at)}) == expected;
      }
      if (!same) BOOST_ERROR(escape(input));
      ++checked;
    }
  });
  BOOST_TEST(checked == 2u * 19531u);
}

BOOST_AUTO_TEST_CASE(the_sequences_of_smtp_smuggling_are_content_S7) {
  for (std::string_view text :
       {"x\n.\n", "x\n.\r\n", "x\r.\r", "x\r.\r\n", "x\r\n.\n", "x\r\n.\r", "x\n.\r", "x\r.\n",
        "x\r\n.\r\r\n", "x\r\n\r.\r\n", "x\r\n.\n\r\n", "\n.\r\n", "\r.\r\n", ".\n", ".\r"}) {
    auto input = std::string(text) + "RSET\r\n";
    auto got = read({input});
    BOOST_TEST(!got.ended, escape(text));
    BOOST_TEST(read(octet_by_octet(input)).content == got.content);
  }
  std::string nul("x\r\n.\0\r\n", 7);
  BOOST_TEST(!read({nul}).ended);
}

BOOST_AUTO_TEST_CASE(dot_stuffing_is_undone_exactly_S7) {
  auto content = [](std::string_view input) { return escape(read({input}).content); };
  BOOST_TEST(content("..\r\n...\r\n.a\r\na.\r\n..a..\r\n.\r\n") ==
             escape(".\r\n..\r\na\r\na.\r\n.a..\r\n"));
  BOOST_TEST(content(".\r\n") == "");
  BOOST_TEST(content("\r\n.\r\n") == escape("\r\n"));
}

BOOST_AUTO_TEST_CASE(every_call_of_the_reader_makes_progress_S7_S8) {
  auto texts = for_every_text(5, [](const std::string& text) {
    DataReader reader;
    std::string_view input = text;
    std::size_t calls = 0;
    while (!input.empty() && calls <= 2 * text.size()) {
      reader.next(input);
      ++calls;
    }
    if (!input.empty()) BOOST_ERROR(escape(text));
  });
  BOOST_TEST(texts == 3906u);
}

// The whole session: content is never executed, and input after its end always is.
BOOST_AUTO_TEST_CASE(nothing_in_the_content_is_taken_for_a_command_S7) {
  auto texts = for_every_text(6, [](const std::string& text) {
    auto data = text + "RSET\r\nQUIT\r\n";
    if (reference(data).ended) return;  // a real end: commands follow, as they should
    data += ".\r\n";
    auto expected = reference(data).content;
    Dialogue dialogue;
    dialogue.send(kStart);
    auto replies = dialogue.send(data + "NOOP\r\n");
    bool right = codes(replies) == "250 2.0.0, 250 2.0.0, 250 2.0.0" &&
                 replies.ends_with("250 2.0.0 ok\r\n") && dialogue.last().body() == expected;
    if (!right) BOOST_ERROR(escape(data) << ": " << replies);
  });
  BOOST_TEST(texts == 19531u);
}

BOOST_AUTO_TEST_CASE(a_bare_newline_is_refused_at_the_real_end_if_so_configured_S7) {
  auto options = plain_options();
  options.reject_bare_newlines = true;
  auto texts = for_every_text(5, [&](const std::string& text) {
    auto data = text + "RSET\r\nQUIT\r\n";
    if (reference(data).ended) return;
    data += ".\r\n";
    auto content = reference(data).content;
    bool bare = has_bare_newline(content);
    for (std::size_t piece : {data.size(), std::size_t{1}}) {
      Dialogue dialogue(options);
      dialogue.send(kStart);
      auto replies = codes(dialogue.send_in_pieces(data, piece));
      bool right = bare ? replies == "550 5.6.11, 550 5.6.11" && dialogue.last().dropped
                        : replies == "250 2.0.0, 250 2.0.0" && dialogue.last().body() == content;
      if (!right) BOOST_ERROR(escape(data) << ": " << replies);
      if (codes(dialogue.send("NOOP\r\n")) != "250 2.0.0") BOOST_ERROR(escape(data));
    }
  });
  BOOST_TEST(texts == 3906u);
}

BOOST_AUTO_TEST_CASE(a_bare_newline_is_seen_across_buffers_S7) {
  auto texts = for_every_text(5, [](const std::string& text) {
    for (std::size_t at = 0; at <= text.size(); ++at) {
      NewlineCheck check;
      check.look_at(std::string_view(text).substr(0, at));
      check.look_at(std::string_view(text).substr(at));
      if (check.bare(true) != has_bare_newline(text)) BOOST_ERROR(escape(text));
    }
  });
  BOOST_TEST(texts == 3906u);
}

BOOST_AUTO_TEST_SUITE_END()
