#include "recipients/question.hh"

#include <algorithm>
#include <cerrno>
#include <limits>
#include <vector>

#include "base/text.hh"
#include "sys/message_socket.hh"

namespace handoff::recipients {
namespace {

constexpr char kEnd = '\0';           // separates the parts of a message
constexpr std::size_t kWords = 1000;  // maximum of an error's text, octets
constexpr std::string_view kRecord = "record";
constexpr std::string_view kNone = "none";
constexpr std::string_view kError = "error";
// The two parts of a quota are separate, because "quota" has no form for the second part alone.
constexpr std::string_view kQuotaOctets = "quota-octets";
constexpr std::string_view kQuotaMessages = "quota-messages";

std::string plain(std::string_view text) {
  std::string out(text.substr(0, kWords));
  std::ranges::replace(out, kEnd, '?');
  return out;
}

std::string pack(const Error& error) {
  return std::string(kError) + kEnd + std::to_string(error.code) + kEnd +
         std::to_string(static_cast<unsigned>(error.reason)) + kEnd + plain(error.what) + kEnd +
         plain(error.path);
}

std::string pack(const Record& record) {
  std::string out(kRecord);
  auto add = [&](std::string_view name, const std::string& value) {
    if (!value.empty()) (((out += kEnd) += name) += '=') += value;
  };
  auto add_number = [&](std::string_view name, const auto& number) {
    if (number) add(name, std::to_string(*number));
  };
  add("mailbox", record.mailbox);
  add("home", record.home);
  add_number("uid", record.uid);
  add_number("gid", record.gid);
  add_number(kQuotaOctets, record.quota_octets);
  add_number(kQuotaMessages, record.quota_messages);
  add("folder", record.folder);
  add("sieve", record.sieve);
  if (record.since) add("since", std::to_string(record.since->time_since_epoch().count()));
  add("host", record.host);
  add_number("port", record.port);
  if (record.timeout) add("timeout", std::to_string(record.timeout->count()));
  add("alias", record.alias);
  return out;
}

Error malformed() { return explained(EPROTO, "the lookup process sent no answer"); }

Error unpack_error(const std::vector<std::string_view>& parts) {
  if (parts.size() != 5) return malformed();
  auto code = parse_number(parts[1]);
  auto reason = parse_number(parts[2]);
  bool known = code && *code > 0 && *code <= std::numeric_limits<int>::max() && reason &&
               *reason <= static_cast<unsigned>(kLastReason);
  if (!known) return malformed();
  return {static_cast<int>(*code), std::string(parts[3]), std::string(parts[4]),
          static_cast<Reason>(*reason)};
}

Found unpack_record(const std::vector<std::string_view>& parts) {
  Record record;
  for (std::size_t i = 1; i < parts.size(); ++i) {
    auto equals = parts[i].find('=');
    if (equals == std::string_view::npos) return malformed();
    auto name = parts[i].substr(0, equals);
    auto value = parts[i].substr(equals + 1);
    if (name == kQuotaOctets || name == kQuotaMessages) {
      auto number = parse_number(value);
      if (!number) return malformed();
      (name == kQuotaOctets ? record.quota_octets : record.quota_messages) = *number;
      continue;
    }
    if (!is_field(name)) return malformed();
    if (auto set = set_field(record, name, value); !set) return set.error();
  }
  return std::optional(std::move(record));
}

}  // namespace

std::string pack(const Question& question) {
  auto out = std::to_string(question.lookup);
  if (question.address) {
    ((out += kEnd) += question.address->local) += kEnd;
    out += question.address->domain;
  }
  return out;
}

std::optional<Question> unpack_question(std::string_view octets) {
  auto parts = split(octets, kEnd);
  auto number = parse_number(parts.front());
  if (!number || (parts.size() != 1 && parts.size() != 3)) return std::nullopt;
  Question out{static_cast<std::size_t>(*number), std::nullopt};
  if (parts.size() == 3) out.address = Address{std::string(parts[1]), std::string(parts[2])};
  return out;
}

std::string pack(const Found& found) {
  if (!found) return pack(found.error());
  if (!found.value()) return std::string(kNone);
  auto out = pack(*found.value());
  if (out.size() <= sys::kMaxMessage) return out;
  return pack(explained(EINVAL, "the record is too long"));
}

Found unpack_found(std::string_view octets) {
  auto parts = split(octets, kEnd);
  if (parts.front() == kRecord) return unpack_record(parts);
  if (parts.front() == kError) return unpack_error(parts);
  if (parts.front() == kNone && parts.size() == 1) return std::optional<Record>();
  return malformed();
}

}  // namespace handoff::recipients
