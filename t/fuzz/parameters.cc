#include "lmtp/parameters.hh"

#include <algorithm>
#include <string>

#include "base/date_time.hh"
#include "base/text.hh"
#include "base/unicode.hh"
#include "base/xtext.hh"
#include "lmtp/dialogue.hh"
#include "targets.hh"

namespace handoff::fuzz {
namespace {

using namespace handoff::lmtp;

void grammar(std::string_view text) {
  auto parameters = parse_parameters(text);
  if (!parameters.malformed.empty()) return;
  std::string printed;
  for (const auto& parameter : parameters.list) {
    require(!parameter.value || !parameter.value->empty(), "an empty value");
    printed += " " + std::string(parameter.keyword);
    if (parameter.value) printed += "=" + std::string(*parameter.value);
  }
  auto again = parse_parameters(printed);
  bool same = std::ranges::equal(again.list, parameters.list, [](const auto& a, const auto& b) {
    return a.keyword == b.keyword && a.value == b.value;
  });
  require(same && again.malformed.empty(), "parameters are others when printed and parsed");
}

void values(std::string_view text) {
  auto encoded = encode_xtext(text);
  require(decode_xtext(encoded) == text, "what is encoded as xtext decodes to something else");
  if (auto decoded = decode_xtext(text)) {
    require(decode_xtext(encode_xtext(*decoded)) == decoded, "xtext, again");
  }
  if (auto decoded = decode_utf8_xtext(text)) {
    require(is_utf8(*decoded), "utf-8-addr-xtext decodes to something that is no UTF-8");
  }
  if (auto time = parse_moment(text)) {
    auto since = time->time_since_epoch().count();
    require(since > -63000000000 && since < 254000000000, "a time outside the years 0 to 9999");
  }
}

// Runs the text as a command: it gets one reply and does not change the state of the session.
void command(std::string_view text) {
  auto options = plain_options();
  options.utf8 = knows_unicode();
  options.dsn = options.rrvs = true;
  options.max_errors = 1000;
  auto peer = plain_peer();
  peer.trusted = true;
  peer.mechanisms = "PLAIN";
  Dialogue dialogue(options, peer);
  dialogue.send(hello());
  auto line_break = text.find('\n');
  auto line = std::string(text.substr(0, line_break));
  auto once = [](const std::string& replies) {
    require(codes(replies).find(',') == std::string::npos && !replies.empty(), "not one reply");
    return replies.substr(0, 3);
  };
  auto mail = once(dialogue.send("MAIL FROM:<a@x.example> " + line + "\r\n"));
  require(mail == "250" || mail == "501" || mail == "555" || mail == "552" || mail == "500",
          "a reply to MAIL that its parameters cannot have");
  dialogue.send("RSET\r\nMAIL FROM:<a@x.example>\r\n");
  auto rcpt = once(dialogue.send("RCPT TO:<b@x.example> " + line + "\r\n"));
  require(rcpt == "250" || rcpt == "501" || rcpt == "555" || rcpt == "500",
          "a reply to RCPT that its parameters cannot have");
  auto data = codes(dialogue.send("DATA\r\n"));
  require(data == (rcpt == "250" ? "354" : "503 5.5.1"), "a transaction that is not in order");
}

}  // namespace

void parameters(std::string_view octets) {
  if (octets.size() > 1024) return;
  grammar(octets);
  values(octets);
  for (auto word : split(octets, ' ')) {
    auto equals = word.find('=');
    if (equals != word.npos) values(word.substr(equals + 1));
  }
  command(octets);
}

}  // namespace handoff::fuzz
