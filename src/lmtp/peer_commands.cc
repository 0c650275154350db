// What is said about the peer itself: STARTTLS, AUTH, and Postfix's XFORWARD and XCLIENT.
#include <algorithm>
#include <functional>
#include <span>

#include "base/text.hh"
#include "base/xtext.hh"
#include "lmtp/replies.hh"
#include "lmtp/session.hh"

namespace handoff::lmtp {
namespace {

struct Attribute {
  std::string_view name;
  std::string Forwarded::*member;  // nullptr: taken, and not used
  // What the real client or another queue manager made up: it may be anything, and is no reason to
  // lose the rest.
  bool free = false;
};

constexpr Attribute kXforward[] = {
    {"NAME", &Forwarded::name},
    {"ADDR", &Forwarded::address},
    {"HELO", &Forwarded::hello, true},
    {"IDENT", &Forwarded::ident, true},
    {"PORT", nullptr},
    {"PROTO", nullptr},
    {"SOURCE", nullptr},
};
constexpr Attribute kXclient[] = {
    {"NAME", &Forwarded::name},
    {"ADDR", &Forwarded::address},
    {"HELO", &Forwarded::hello, true},
    {"PORT", nullptr},
    {"PROTO", nullptr},
    {"LOGIN", nullptr},
    {"DESTADDR", nullptr},
    {"DESTPORT", nullptr},
};

// A value goes into Received: and the log: printable ASCII without what would end a comment there.
bool is_plain(char c) {
  constexpr std::string_view kSpecials = " ()<>;\"\\";
  return is_ascii(c) && !is_control(c) && kSpecials.find(c) == kSpecials.npos;
}

// Known not to be known. A HELO may be an address literal, which begins with a bracket as well.
bool is_unavailable(std::string_view value) {
  return iequals(value, "[UNAVAILABLE]") || iequals(value, "[TEMPUNAVAIL]");
}

// Reads "NAME=value NAME=value" into `out`. Returns the word that is wrong; empty where none is.
std::string_view read_attributes(std::string_view text, std::span<const Attribute> known,
                                 Forwarded& out) {
  for (std::string_view word : split(text, ' ')) {
    if (word.empty()) continue;
    auto equals = word.find('=');
    auto row = std::ranges::find_if(
        known, [&](const Attribute& a) { return iequals(a.name, word.substr(0, equals)); });
    if (row == known.end() || equals == word.npos) return word;
    auto value = decode_xtext(word.substr(equals + 1));
    if (!value || value->size() > 255) return word;
    if (row->free) std::ranges::replace_if(*value, std::not_fn(is_plain), '?');
    if (!std::ranges::all_of(*value, is_plain)) return word;
    if (row->member == nullptr) continue;
    out.*(row->member) = is_unavailable(*value) ? std::string() : std::move(*value);
  }
  return {};
}

}  // namespace

// RFC 3848, RFC 6531 4.3: what Received: says of the protocol.
std::string Session::protocol() const {
  std::string word = transaction_->envelope().utf8 ? "UTF8LMTP" : "LMTP";
  if (peer_.tls) word += "S";
  if (authenticated_) word += "A";
  return word;
}

// What has to come before a sender or a recipient is named: RFC 3207 4, RFC 4954 6.
std::optional<Reply> Session::missing_protection() const {
  if (options_.require_tls && peer_.can_tls && !peer_.tls) return Reply(say::kTlsFirst);
  // Also where no mechanism can be offered: what is required does not depend on what works.
  if (options_.require_auth && peer_.remote && !authenticated_) return Reply(say::kAuthFirst);
  return std::nullopt;
}

std::optional<Event> Session::xforward(std::string_view argument) {
  if (!peer_.trusted) return complain({say::kNotTrusted, {"XFORWARD"}});
  if (transaction_) return complain({say::kInTransaction, {"XFORWARD"}});
  Forwarded forwarded = forwarded_;
  auto wrong = read_attributes(argument, kXforward, forwarded);
  if (!wrong.empty()) return complain({say::kBadAttribute, {wrong}});
  forwarded_ = std::move(forwarded);
  say(say::kOk);
  return std::nullopt;
}

// The session begins anew with the client that was named.
std::optional<Event> Session::xclient(std::string_view argument) {
  if (!peer_.trusted) return complain({say::kNotTrusted, {"XCLIENT"}});
  if (transaction_) return complain({say::kInTransaction, {"XCLIENT"}});
  Forwarded client = client_;
  auto wrong = read_attributes(argument, kXclient, client);
  if (!wrong.empty()) return complain({say::kBadAttribute, {wrong}});
  client_ = std::move(client);
  forwarded_ = client_;
  hello_.clear();
  say({say::kGreeting, {options_.hostname}});
  return std::nullopt;
}

// RFC 3207 4.
std::optional<Event> Session::starttls(std::string_view) {
  if (peer_.tls) return complain(say::kTlsAlready);
  if (!peer_.can_tls) return complain(say::kNoTls);
  if (transaction_) return complain({say::kInTransaction, {"STARTTLS"}});
  say(say::kTlsReady);
  asked_ = Asked::kTls;
  return TlsBegins{};
}

void Session::tls_started(std::string mechanisms, bool trusted) {
  asked_ = Asked::kNothing;
  peer_.tls = true;
  peer_.trusted = peer_.trusted || trusted;
  peer_.mechanisms = std::move(mechanisms);
  // RFC 3207 4.2: all knowledge from before is forgotten, input not yet run included.
  authenticated_ = false;
  hello_.clear();
  client_ = forwarded_ = {};
  lines_.clear();
}

// RFC 4954 4.
std::optional<Event> Session::auth(std::string_view argument) {
  if (peer_.mechanisms.empty()) return complain(say::kNoAuth);
  if (authenticated_) return complain(say::kAuthAlready);
  if (transaction_) return complain({say::kInTransaction, {"AUTH"}});
  auto mechanism = argument.substr(0, argument.find(' '));
  auto rest = trim(argument.substr(mechanism.size()));
  auto offered = split(peer_.mechanisms, ' ');
  bool known = std::ranges::any_of(
      offered, [&](std::string_view offer) { return iequals(offer, mechanism); });
  if (!known) return complain({say::kBadMechanism, {mechanism}});
  asked_ = Asked::kAuth;
  auto response = rest.empty() ? std::nullopt : std::optional(rest);
  return AuthStep{mechanism, response};
}

// A line of the exchange that goes on.
std::optional<Event> Session::auth_line(std::string_view line) {
  if (line == "*") return complain(say::kAuthCancelled);
  asked_ = Asked::kAuth;
  return AuthStep{{}, line};
}

void Session::auth_challenge(std::string_view base64) {
  asked_ = Asked::kNothing;
  phase_ = Phase::kAuth;
  say({say::kAuthChallenge, {base64}});
}

void Session::auth_succeeded() {
  asked_ = Asked::kNothing;
  authenticated_ = true;
  say(say::kAuthOk);
}

}  // namespace handoff::lmtp
