#include "ctl/lmtp_client.hh"

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/text.hh"
#include "ctl/line_encoder.hh"

namespace handoff::ctl {
namespace {

// RCPTs sent before their answers are read. RFC 2920 3.1: what is on its way in both directions
// must fit the sockets' buffers, or client and server wait for each other.
constexpr std::size_t kGroup = 100;
constexpr std::size_t kBlock = 64 * 1024;  // octets of the message held at a time
constexpr std::chrono::seconds kFarewell{5};

lmtp::Reply no_reply(const Error& error) {
  lmtp::Reply reply;
  reply.text = error.describe();
  return reply;
}

// A reply as a reason for failure: one that should have been a refusal and is none says nothing
// about the message.
lmtp::Reply as_failure(const lmtp::Reply& reply) {
  if (reply.code == 0 || reply.code >= 400) return reply;
  return no_reply({EPROTO, "unexpected reply \"" + reply.one_line() + "\"", {}});
}

bool beyond_ascii(const Letter& letter) {
  return !all_ascii(letter.sender) ||
         !std::ranges::all_of(letter.recipients, [](const auto& r) { return all_ascii(r); });
}

}  // namespace

void LmtpClient::say(std::string_view octets, std::chrono::seconds wait) {
  if (mute_ || deaf_) return;
  auto said = stream_->write(octets, sys::Steady::now() + wait);
  if (!said) mute_ = said.error();
}

lmtp::Reply LmtpClient::hear(std::chrono::seconds wait) {
  if (deaf_) return no_reply(*deaf_);
  // A server that closes has often said why: that is a better answer than "broken pipe".
  auto reply = replies_.next(sys::Steady::now() + (mute_ ? std::chrono::seconds(0) : wait));
  if (reply) return reply.value();
  deaf_ = mute_ ? *mute_ : reply.error();
  return no_reply(*deaf_);
}

lmtp::Reply LmtpClient::ask(const std::string& command) {
  say(command + "\r\n", patience_.reply);
  return hear(patience_.reply);
}

lmtp::Reply LmtpClient::greet() {
  auto reply = hear(patience_.reply);
  return reply.code == 220 ? reply : as_failure(reply);
}

void LmtpClient::quit() {
  say("QUIT\r\n", kFarewell);
  hear(kFarewell);
}

void LmtpClient::take_keywords(std::string_view text) {
  auto lines = split(text, '\n');
  for (std::size_t i = 1; i < lines.size(); ++i) {  // the first names the server
    auto keyword = lines[i].substr(0, lines[i].find(' '));
    if (iequals(keyword, "PIPELINING")) pipelining_ = true;
    if (iequals(keyword, "SIZE")) size_ = true;
    if (iequals(keyword, "8BITMIME")) eight_bit_ = true;
    if (iequals(keyword, "SMTPUTF8")) utf8_ = true;
  }
}

std::string LmtpClient::mail_command(const Letter& letter) const {
  std::string out = "MAIL FROM:<" + letter.sender + ">";
  if (size_ && letter.size) out += " SIZE=" + std::to_string(*letter.size);
  // The content is not looked at beforehand, and may be anything but binary.
  if (eight_bit_) out += " BODY=8BITMIME";
  if (utf8_ && beyond_ascii(letter)) out += " SMTPUTF8";
  return out;
}

lmtp::Reply LmtpClient::send_envelope(const Letter& letter, std::vector<lmtp::Reply>& answers) {
  std::vector<std::string> commands{mail_command(letter)};
  for (const auto& recipient : letter.recipients) commands.push_back("RCPT TO:<" + recipient + ">");
  std::vector<lmtp::Reply> replies;
  for (std::size_t done = 0; done < commands.size();) {
    auto end = std::min(commands.size(), done + (pipelining_ ? kGroup : 1));
    std::string group;
    for (auto i = done; i < end; ++i) group += commands[i] + "\r\n";
    say(group, patience_.reply);
    for (; done < end; ++done) replies.push_back(hear(patience_.reply));
  }
  answers.assign(replies.begin() + 1, replies.end());
  return replies.front();
}

void LmtpClient::send_content(const Read& read) {
  LineEncoder encoder;
  std::vector<char> block(kBlock);
  std::string out;
  while (!mute_) {
    auto size = read(block.data(), block.size());
    if (!size) {
      // No final dot: to the server this is a client that went away.
      mute_ = deaf_ = size.error();
      return;
    }
    out.clear();
    encoder.encode({block.data(), size.value()}, out);
    if (size.value() == 0) encoder.finish(out);
    say(out, patience_.block);
    if (size.value() == 0) return;
  }
}

std::vector<Outcome> LmtpClient::deliver(const Letter& letter, const Read& read,
                                         const Report& report) {
  std::vector<Outcome> outcomes;
  for (const auto& recipient : letter.recipients) outcomes.push_back({recipient, {}});
  std::vector<Outcome*> open;  // without a verdict
  for (auto& outcome : outcomes) open.push_back(&outcome);
  auto settle = [&](Outcome* outcome, const lmtp::Reply& verdict) {
    outcome->reply = verdict.positive() ? verdict : as_failure(verdict);
    report(*outcome);
  };
  auto refuse_all = [&](const lmtp::Reply& verdict) {
    for (auto* outcome : open) settle(outcome, as_failure(verdict));
    quit();
    return outcomes;
  };

  if (auto greeting = greet(); greeting.code != 220) return refuse_all(greeting);
  auto hello = ask("LHLO " + host_);
  if (!hello.positive()) return refuse_all(hello);
  take_keywords(hello.text);

  std::vector<lmtp::Reply> answers;
  auto mail = send_envelope(letter, answers);
  if (!mail.positive()) return refuse_all(mail);
  std::vector<Outcome*> accepted;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    if (answers[i].positive()) {
      accepted.push_back(open[i]);
    } else {
      settle(open[i], answers[i]);
    }
  }
  open = accepted;
  // RFC 2033 4.2: without a recipient there is nothing to say DATA for.
  if (open.empty()) return refuse_all({});

  auto start = ask("DATA");
  if (start.code != 354) return refuse_all(start);
  send_content(read);
  // One reply for each RCPT that was accepted, in their order.
  for (auto* outcome : open) settle(outcome, hear(patience_.verdict));
  quit();
  return outcomes;
}

}  // namespace handoff::ctl
