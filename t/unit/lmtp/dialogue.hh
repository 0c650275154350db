// A scripted peer and worker for lmtp::Session: octets in, replies and stored messages out. Does
// not need Boost, so a fuzzer can use it.
//
// The local part of an address determines its treatment: "unknown@…" is refused at RCPT with 550,
// "broken@…" cannot be looked up, "maybe@…" cannot be verified, "full@…" is over quota after the
// data, and all others are delivered to; "since2020@…" has had its owner since 2020. AUTH succeeds
// with the response "good". A sender "noroom@…" is refused because of insufficient space.
//
// Checks every rule of the calling sequence in lmtp/session.hh and of the form of replies (X2);
// throws std::logic_error on a violation.
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/text.hh"
#include "lmtp/failure.hh"
#include "lmtp/replies.hh"
#include "lmtp/session.hh"

namespace handoff::lmtp {

inline constexpr char kHost[] = "mx.example.org";
inline const std::string kRcpt = "a@x.example";  // a recipient that exists
inline constexpr char kDate[] = "Thu, 1 Jan 2026 00:00:00 +0000";

inline SessionOptions plain_options() {
  SessionOptions options;
  options.hostname = kHost;
  return options;
}

inline SessionPeer plain_peer() {
  SessionPeer peer;
  peer.text = "[192.0.2.1]";
  return peer;
}

// Returns what is wrong with a sequence of complete replies, or an empty string. RFC 5321 4.2,
// 4.5.3.1.5 for the form; X2 for the enhanced status codes, which the greeting, 3xx replies and the
// reply to LHLO do not have.
inline std::string fault_of_replies(std::string_view replies) {
  std::string_view group;  // code of the reply whose last line is missing
  bool hello = false;
  while (!replies.empty()) {
    auto end = replies.find("\r\n");
    if (end == std::string_view::npos) return "no line end: " + escape(replies);
    auto line = replies.substr(0, end);
    replies.remove_prefix(end + 2);
    std::string fault = ": " + escape(line);
    if (line.size() > 510) return "longer than 512 octets" + fault;
    auto printable = [](char c) { return is_ascii(c) && !is_control(c); };
    if (!std::ranges::all_of(line, printable)) return "not printable ASCII" + fault;
    // RFC 4954 4: a challenge may be empty, but its blank is present.
    bool challenge = line.starts_with("334 ");
    if (line.size() < (challenge ? 4 : 5) || !std::ranges::all_of(line.substr(0, 3), is_digit))
      return "form" + fault;
    if (line[3] != ' ' && line[3] != '-') return "form" + fault;
    auto code = line.substr(0, 3);
    auto text = line.substr(4);
    if (!group.empty() && group != code) return "another code within a reply" + fault;
    if (group.empty()) hello = code == "250" && text == kHost;
    group = line[3] == '-' ? code : "";
    bool greeting = code == "220" && text.starts_with(kHost);
    bool bare = hello || greeting || code[0] == '3';
    auto status = split(text.substr(0, text.find(' ')), '.');
    bool has_status =
        status.size() == 3 && std::ranges::all_of(status, [](std::string_view part) {
          return !part.empty() && part.size() <= 3 && std::ranges::all_of(part, is_digit);
        });
    if (has_status == bare) return "enhanced status code" + fault;
    if (has_status && status[0] != code.substr(0, 1)) return "class of the status code" + fault;
  }
  return group.empty() ? "" : "a reply without its last line";
}

// One transaction that reached ContentBegins.
struct Message {
  struct Copy {
    std::string recipient;  // as RCPT named it
    std::string mailbox;
    std::string header;  // for this copy only
    bool operator==(const Copy&) const = default;
  };
  std::string sender;
  std::vector<std::string> recipients;
  std::string content;       // the content to store, including the trace header
  std::string raw;           // the content to pass on
  bool binary = false;       // BODY=BINARYMIME
  bool blank_line = false;   // the trace header ends in a blank line
  std::vector<Copy> copies;  // the delivered copies
  bool dropped = false;      // ContentDropped, or storing failed

  // Returns the content without the trace header, and the blank line after it, that handoff wrote.
  std::string body() const {
    auto date = content.find(std::string(kDate) + "\r\n");
    auto length = std::string(kDate).size() + 2 + (blank_line ? 2 : 0);
    return date == std::string::npos ? content : content.substr(date + length);
  }
  // Returns the trace header that body() omits.
  std::string trace() const { return content.substr(0, content.size() - body().size()); }
  bool operator==(const Message&) const = default;
};

class Dialogue {
 public:
  explicit Dialogue(SessionOptions options = plain_options(), SessionPeer peer = plain_peer())
      : options_(std::move(options)), session_(options_, std::move(peer)) {
    listen();
  }
  Dialogue(const Dialogue&) = delete;  // the session refers to options_
  Dialogue& operator=(const Dialogue&) = delete;

  // Passes `octets` to the session as one read, in memory of exactly their size; returns the
  // replies. Input to a closed session is lost.
  std::string send(std::string_view octets) {
    std::vector<char> buffer(octets.begin(), octets.end());
    input_ = buffer_ = {buffer.data(), buffer.size()};
    auto before = replies.size();
    while (!closed && play()) {
    }
    input_ = buffer_ = {};
    listen();
    return replies.substr(before);
  }

  // Simulates a timeout of the peer; returns the replies.
  std::string time_out() {
    auto before = replies.size();
    session_.time_out(300);
    while (!closed && play()) {
    }
    listen();
    return replies.substr(before);
  }

  // Like send(), in reads of `size` octets.
  std::string send_in_pieces(std::string_view octets, std::size_t size) {
    std::string out;
    for (; !octets.empty(); octets.remove_prefix(std::min(size, octets.size()))) {
      out += send(octets.substr(0, size));
    }
    return out;
  }

  std::string replies;            // all so far
  std::vector<Message> messages;  // in the order in which they began
  bool closed = false;
  // The longest piece of content that was not a view of the input, that is, buffered by the
  // session.
  std::size_t most_held = 0;
  // The output at each settle() of the last message.
  std::vector<std::string> at_settle;

  bool backwards = false;                   // recipients are settled last to first
  std::optional<Reply> refuse_content;      // the answer to ContentBegins
  std::optional<Reply> fail_at_end;         // the answer to ContentEnds
  std::optional<std::size_t> fail_storing;  // octets after which storing fails with
                                            // ENOSPC

  Session& session() { return session_; }
  const Message& last() const { return messages.back(); }

 private:
  static void require(bool kept, const char* rule) {
    if (!kept) throw std::logic_error(rule);
  }

  void listen() {
    auto& output = session_.output();
    if (auto fault = fault_of_replies(output); !fault.empty()) throw std::logic_error(fault);
    replies += output;
    output.clear();
  }

  // Handles one event; returns false if the session needs more input.
  bool play() {
    auto event = session_.next(input_);
    return std::visit([this](const auto& it) { return on(it); }, event);
  }

  bool on(const NeedInput&) {
    require(input_.empty(), "NeedInput with input left");
    return false;
  }

  bool on(const MailBegins& event) {
    if (event.envelope.sender.text.starts_with("noroom@")) {
      session_.refuse({say::kNoRoom, {"1"}});
    } else {
      session_.accept_mail();
    }
    return true;
  }

  bool on(const RecipientNamed& event) {
    auto local = lower(event.address.local);
    if (local == "unknown") {
      session_.refuse({say::kUnknownRecipient, {event.address.text()}});
    } else if (local == "broken") {
      session_.refuse(reply_to_lookup_failure());
    } else if (local == "maybe" && event.verify) {
      session_.cannot_verify();
    } else {
      auto domain = event.address.domain.empty() ? kHost : lower(event.address.domain);
      Mailbox mailbox{domain + "/" + local, "", local + "@" + domain};
      if (local == "since2020")
        mailbox.owned_since = std::chrono::sys_days(std::chrono::year(2020) / 1 / 1);
      if (local == "away") mailbox.backend = Backend{"mail1"};
      session_.accept_recipient(std::move(mailbox));
    }
    return true;
  }

  bool on(const ContentBegins& event) {
    require(!staged_, "ContentBegins while content is stored");
    require(!event.envelope.recipients.empty(), "ContentBegins without a recipient");  // L3
    if (refuse_content) {
      session_.refuse(*refuse_content);
      return true;
    }
    messages.emplace_back();
    messages.back().sender = event.envelope.sender.text;
    messages.back().binary = event.envelope.body == Body::kBinaryMime;
    for (const auto& recipient : event.envelope.recipients) {
      messages.back().recipients.push_back(recipient.address.text());
    }
    staged_ = true;
    at_settle.clear();
    session_.accept_content({"ID", kDate});
    return true;
  }

  bool on(const Content& event) {
    require(staged_, "Content that nobody stores");
    require(!event.octets.empty(), "Content of no octets");
    auto& content = messages.back().content;
    if (event.trace && !content.empty()) {
      require(event.octets == "\r\n" && !messages.back().blank_line, "a second trace header");
      require(messages.back().body().empty(), "a blank line within the content");
      messages.back().blank_line = true;
    }
    bool of_input = event.octets.data() >= buffer_.data() &&
                    event.octets.data() + event.octets.size() <= buffer_.data() + buffer_.size();
    if (!of_input && !content.empty()) most_held = std::max(most_held, event.octets.size());
    if (fail_storing && content.size() + event.octets.size() > *fail_storing) {
      drop();
      session_.content_failed(reply_to({ENOSPC, "write", ""}));
    } else {
      content += event.octets;
    }
    return true;
  }

  bool on(const RawContent& event) {
    require(staged_, "RawContent that nobody stores");
    require(!event.octets.empty(), "RawContent of no octets");
    messages.back().raw += event.octets;
    return true;
  }

  bool on(const ContentDropped&) {
    require(staged_, "ContentDropped where none is stored");
    drop();
    return true;
  }

  bool on(const ContentEnds& event) {
    require(staged_, "ContentEnds where none is stored");
    require(!event.deliveries.empty(), "ContentEnds without a delivery");
    staged_ = false;
    if (fail_at_end) {
      messages.back().dropped = true;
      session_.content_failed(*fail_at_end);
      return true;
    }
    auto deliveries = event.deliveries;  // the session owns the recipients until all are settled
    if (backwards) std::ranges::reverse(deliveries);
    for (const auto& delivery : deliveries) {
      const auto& recipient = *delivery.recipient;
      Message::Copy copy{recipient.address.text(), recipient.mailbox.path, delivery.header};
      if (recipient.address.local == "full") {
        session_.settle(recipient, reply_to({EDQUOT, "write", ""}));
      } else {
        messages.back().copies.push_back(copy);
        session_.settle(recipient, {say::kDelivered, {copy.recipient}});
      }
      at_settle.push_back(session_.output());
    }
    return true;
  }

  bool on(const TlsBegins&) {
    input_ = {};  // RFC 3207 4.2: input before the handshake is discarded
    session_.tls_started("PLAIN");
    return true;
  }

  bool on(const AuthStep& event) {
    if (!event.response) {
      session_.auth_challenge("");
    } else if (*event.response == "Z29vZA==") {
      session_.auth_succeeded();
    } else {
      session_.refuse(say::kAuthFailed);
    }
    return true;
  }

  bool on(const Closed&) {
    closed = true;
    return false;
  }

  void drop() {
    staged_ = false;
    messages.back().dropped = true;
  }

  SessionOptions options_;
  Session session_;
  std::string_view buffer_;  // the input of this send()
  std::string_view input_;   // its unread part
  bool staged_ = false;
};

// The result of a dialogue, for comparisons of different reads.
struct Outcome {
  std::string replies;
  std::vector<Message> messages;  // with their mailboxes
  bool closed;
  bool operator==(const Outcome&) const = default;
};

inline Outcome outcome_of(const Dialogue& dialogue) {
  Outcome out{dialogue.replies, dialogue.messages, dialogue.closed};
  // The point at which storing fails depends on the reads; ignore what was stored until then.
  for (auto& message : out.messages) {
    if (!message.dropped) continue;
    message.content.clear();
    message.blank_line = false;
  }
  return out;
}

// Returns the codes of complete replies, one word for each reply: "250 5.1.1"; one word for a
// multiline reply.
inline std::string codes(std::string_view replies) {
  std::string out;
  for (auto line : split(replies, '\n')) {
    if (line.size() < 5 || line[3] == '-') continue;
    auto status = line.substr(4, line.find_first_of(" \r", 4) - 4);
    bool has_status = std::ranges::count(status, '.') == 2 && is_digit(status[0]);
    if (!out.empty()) out += ", ";
    out += line.substr(0, 3);
    if (has_status) out += " " + std::string(status);
  }
  return out;
}

inline std::string hello() { return "LHLO client.example\r\n"; }
inline std::string envelope_of(const std::vector<std::string>& recipients) {
  std::string out = "MAIL FROM:<sender@example.net>\r\n";
  for (const auto& recipient : recipients) out += "RCPT TO:<" + recipient + ">\r\n";
  return out;
}

}  // namespace handoff::lmtp
