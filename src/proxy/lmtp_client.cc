#include "proxy/lmtp_client.hh"

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/text.hh"
#include "proxy/line_encoder.hh"

namespace handoff::proxy {
namespace {

// RCPTs sent before their replies are read. RFC 2920 3.1: commands and replies in transit must fit
// the sockets' buffers, or client and server wait for each other.
constexpr std::size_t kGroup = 100;
constexpr std::size_t kBlock = 64 * 1024;  // octets of the message in memory at a time
constexpr std::chrono::seconds kQuitTimeout{5};

lmtp::Reply without_reply(const Error& error) {
  lmtp::Reply reply;
  reply.text = error.describe();
  return reply;
}

// Returns the reply that explains a failure after `reply`. A positive reply at the wrong place says
// nothing about the message.
lmtp::Reply as_failure(const lmtp::Reply& reply) {
  if (reply.code == 0 || reply.code >= 400) return reply;
  return without_reply(explained(EPROTO, "unexpected reply \"" + reply.one_line() + "\""));
}

bool needs_utf8(const Submission& submission) {
  return !all_ascii(submission.sender) ||
         !std::ranges::all_of(submission.recipients, [](const auto& r) { return all_ascii(r); });
}

}  // namespace

void LmtpClient::send(std::string_view octets, std::chrono::seconds timeout) {
  if (write_error_ || read_error_) return;
  auto sent = stream_.write(octets, sys::Steady::now() + timeout);
  if (!sent) write_error_ = sent.error();
}

lmtp::Reply LmtpClient::receive(std::chrono::seconds timeout) {
  if (read_error_) return without_reply(*read_error_);
  // A server that closes the connection has often sent the reason, which is more useful than
  // "broken pipe".
  if (write_error_) timeout = {};
  auto reply = replies_.next(sys::Steady::now() + timeout);
  if (reply) return reply.value();
  read_error_ = write_error_ ? *write_error_ : reply.error();
  return without_reply(*read_error_);
}

lmtp::Reply LmtpClient::command(const std::string& line) {
  send(line + "\r\n", timeouts_.reply);
  return receive(timeouts_.reply);
}

lmtp::Reply LmtpClient::read_greeting() {
  auto reply = receive(timeouts_.reply);
  return reply.code == 220 ? reply : as_failure(reply);
}

void LmtpClient::quit() {
  send("QUIT\r\n", kQuitTimeout);
  receive(kQuitTimeout);
}

std::string LmtpClient::mail_command(const Submission& submission) const {
  std::string out = "MAIL FROM:<" + submission.sender + ">";
  if (offers_.size && submission.size) out += " SIZE=" + std::to_string(*submission.size);
  // The content is not known yet; it may be anything but binary.
  if (offers_.eight_bit) out += " BODY=8BITMIME";
  if (offers_.utf8 && needs_utf8(submission)) out += " SMTPUTF8";
  return out;
}

lmtp::Reply LmtpClient::send_envelope(const Submission& submission,
                                      std::vector<lmtp::Reply>& answers) {
  std::vector<std::string> commands{mail_command(submission)};
  for (const auto& recipient : submission.recipients)
    commands.push_back("RCPT TO:<" + recipient + ">");
  std::vector<lmtp::Reply> replies;
  for (std::size_t done = 0; done < commands.size();) {
    auto end = std::min(commands.size(), done + (offers_.pipelining ? kGroup : 1));
    std::string group;
    for (auto i = done; i < end; ++i) group += commands[i] + "\r\n";
    send(group, timeouts_.reply);
    for (; done < end; ++done) replies.push_back(receive(timeouts_.reply));
  }
  answers.assign(replies.begin() + 1, replies.end());
  return replies.front();
}

void LmtpClient::send_content(const Read& read) {
  LineEncoder encoder;
  std::vector<char> block(kBlock);
  std::string out;
  while (!write_error_) {
    auto size = read(block.data(), block.size());
    if (!size) {
      // Without the final dot the server discards the message.
      write_error_ = read_error_ = size.error();
      return;
    }
    out.clear();
    encoder.encode({block.data(), size.value()}, out);
    if (size.value() == 0) encoder.finish(out);
    send(out, timeouts_.block);
    if (size.value() == 0) return;
  }
}

std::vector<Outcome> LmtpClient::deliver(const Submission& submission, const Read& read,
                                         const Report& report) {
  std::vector<Outcome> outcomes;
  for (const auto& recipient : submission.recipients) outcomes.push_back({recipient, {}});
  std::vector<Outcome*> open;  // without an outcome yet
  for (auto& outcome : outcomes) open.push_back(&outcome);
  auto settle = [&](Outcome* outcome, const lmtp::Reply& reply) {
    outcome->reply = reply.positive() ? reply : as_failure(reply);
    report(*outcome);
  };
  auto refuse_all = [&](const lmtp::Reply& reply) {
    for (auto* outcome : open) settle(outcome, as_failure(reply));
    quit();
    return outcomes;
  };

  if (auto greeting = read_greeting(); greeting.code != 220) return refuse_all(greeting);
  auto hello = command("LHLO " + host_);
  if (!hello.positive()) return refuse_all(hello);
  offers_ = Capabilities::parse(hello.text);

  std::vector<lmtp::Reply> answers;
  auto mail = send_envelope(submission, answers);
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
  // RFC 2033 4.2: no DATA without an accepted recipient.
  if (open.empty()) return refuse_all({});

  auto start = command("DATA");
  if (start.code != 354) return refuse_all(start);
  send_content(read);
  // One reply for each accepted RCPT, in their order.
  for (auto* outcome : open) settle(outcome, receive(timeouts_.final_reply));
  quit();
  return outcomes;
}

}  // namespace handoff::proxy
