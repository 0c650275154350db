#include "spool/outgoing.hh"

#include <utility>

#include "base/netstring.hh"
#include "base/text.hh"

namespace handoff::spool {
namespace {

constexpr std::string_view kFormat = "handoff outgoing 1";
constexpr Outgoing::Kind kKinds[] = {Outgoing::Kind::kRedirect, Outgoing::Kind::kVacation,
                                     Outgoing::Kind::kNotification};

}  // namespace

const char* name_of(Outgoing::Kind kind) {
  switch (kind) {
    case Outgoing::Kind::kVacation:
      return "vacation";
    case Outgoing::Kind::kNotification:
      return "notification";
    case Outgoing::Kind::kRedirect:
      break;
  }
  return "redirect";
}

std::string pack(const Envelope& envelope) {
  const auto& message = envelope.message;
  std::string out;
  add_netstring(out, kFormat);
  add_netstring(out, name_of(message.kind));
  add_netstring(out, std::to_string(envelope.created.time_since_epoch().count()));
  add_netstring(out, message.record);
  add_netstring(out, message.sender);
  add_netstring(out, std::to_string(message.recipients.size()));
  for (const auto& recipient : message.recipients) add_netstring(out, recipient);
  add_netstring(out, message.head);
  add_netstring(out, message.text ? "text" : "link");
  if (message.text) add_netstring(out, *message.text);
  return out;
}

std::optional<Envelope> unpack_envelope(std::string_view octets) {
  Netstrings parts(octets);
  if (parts.next() != kFormat) return std::nullopt;
  Envelope out;
  auto& message = out.message;
  auto kind = parts.next();
  for (auto each : kKinds) {
    if (kind == name_of(each)) message.kind = each;
  }
  out.created =
      std::chrono::sys_seconds(std::chrono::seconds(parse_number(parts.next()).value_or(0)));
  message.record = parts.next();
  message.sender = parts.next();
  for (auto left = parse_number(parts.next()).value_or(0); left > 0 && parts.good(); --left) {
    message.recipients.emplace_back(parts.next());
  }
  message.head = parts.next();
  if (parts.next() == "text") message.text = std::make_shared<const std::string>(parts.next());
  if (!parts.good() || !parts.at_end() || kind != name_of(message.kind)) return std::nullopt;
  return out;
}

}  // namespace handoff::spool
