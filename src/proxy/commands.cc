#include "proxy/commands.hh"

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "base/text.hh"
#include "base/xtext.hh"

namespace handoff::proxy {
namespace {

// RFC 3339, in UTC: "2014-04-03T23:01:00Z".
std::string date_time(std::chrono::sys_seconds moment) {
  auto day = std::chrono::floor<std::chrono::days>(moment);
  std::chrono::year_month_day date(day);
  auto second = (moment - day).count();
  char out[64];
  std::snprintf(out, sizeof out, "%04d-%02u-%02uT%02d:%02d:%02dZ", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(second / 3600), static_cast<int>(second / 60 % 60),
                static_cast<int>(second % 60));
  return out;
}

}  // namespace

lmtp::Forwarded client_of(const lmtp::Forwarded& forwarded, const std::optional<IpAddress>& peer,
                          const std::string& hello) {
  auto client = forwarded;
  if (client.address.empty() && peer) {
    client.address = literal_of(*peer);
    client.name.clear();
    if (client.hello.empty()) client.hello = hello;
  }
  return client;
}

std::string address_there(const Address& given, const std::string& found, const std::string& detail,
                          const std::string& delimiters) {
  auto bare = given;
  std::string suffix;
  if (!detail.empty() && bare.local.size() > detail.size()) {
    suffix = bare.local.substr(bare.local.size() - detail.size() - 1);
    bare.local.resize(bare.local.size() - suffix.size());
  }
  if (iequals(bare.text(), found)) return given.text();
  if (!detail.empty()) suffix = delimiters.substr(0, 1) + detail;
  auto at = std::min(found.rfind('@'), found.size());
  return found.substr(0, at) + suffix + found.substr(at);
}

std::string xforward_command(const lmtp::Forwarded& client, const Capabilities& offers) {
  std::string out;
  auto add = [&](std::string_view attribute, const std::string& value) {
    if (value.empty() || !offers.forwards.contains(attribute)) return;
    ((out += ' ') += attribute) += '=';
    out += encode_xtext(value);
  };
  add("NAME", client.name);
  add("ADDR", client.address);
  add("HELO", client.hello);
  add("IDENT", client.ident);
  return out.empty() ? out : "XFORWARD" + out + "\r\n";
}

std::string mail_command(const Envelope& envelope, const Capabilities& offers) {
  std::string out = "MAIL FROM:" + envelope.sender.bracketed();
  if (offers.size && envelope.declared_size) {
    out += " SIZE=" + std::to_string(*envelope.declared_size);
  }
  if (envelope.body == Body::kBinaryMime && offers.binary) {
    out += " BODY=BINARYMIME";
  } else if (envelope.body == Body::k8BitMime && offers.eight_bit) {
    out += " BODY=8BITMIME";
  }
  if (envelope.utf8 && offers.utf8) out += " SMTPUTF8";
  if (offers.dsn && !envelope.envelope_id.empty()) {
    out += " ENVID=" + encode_xtext(envelope.envelope_id);
  }
  if (offers.hops) out += " XHOPS=" + std::to_string(envelope.hops + 1);
  return out + "\r\n";
}

std::string rcpt_command(const std::string& address, const Recipient& recipient,
                         const Capabilities& offers) {
  std::string out = "RCPT TO:<" + address + ">";
  if (offers.dsn && recipient.notify_success) out += " NOTIFY=SUCCESS";
  if (offers.dsn && recipient.original) out += " ORCPT=" + recipient.original->encoded;
  if (offers.rrvs && recipient.valid_since) {
    out += " RRVS=" + date_time(*recipient.valid_since);
  }
  return out + "\r\n";
}

std::string missing_extension(const Envelope& envelope, const std::string& address,
                              const Capabilities& offers) {
  if (envelope.body == Body::kBinaryMime && !(offers.chunking && offers.binary)) {
    return "BINARYMIME";
  }
  // If only the content has characters beyond ASCII, 8-bit transport is all that it needs.
  bool ascii = all_ascii(envelope.sender.text) && all_ascii(address);
  return !ascii && !offers.utf8 ? "SMTPUTF8" : "";
}

}  // namespace handoff::proxy
