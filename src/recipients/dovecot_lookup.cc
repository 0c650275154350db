#include "recipients/dovecot_lookup.hh"

#include "base/text.hh"
#include "recipients/kinds.hh"
#include "recipients/server_lookup.hh"
#include "recipients/wire.hh"

namespace handoff::recipients {
namespace {

constexpr std::string_view kMaildir = "maildir:";
// Dovecot's escape: followed by 0 1 t r n for NUL, itself, TAB, CR, LF.
constexpr char kEscape = '\001';

std::string undo(std::string_view word) {
  std::string out;
  for (std::size_t i = 0; i < word.size(); ++i) {
    if (word[i] != kEscape || i + 1 == word.size()) {
      out += word[i];
      continue;
    }
    char c = word[++i];
    out += c == '0'   ? '\0'
           : c == '1' ? kEscape
           : c == 't' ? '\t'
           : c == 'r' ? '\r'
           : c == 'n' ? '\n'
                      : c;
  }
  return out;
}

// "maildir:~/Maildir:INDEX=...": the location of the messages. Other formats and folder layouts are
// errors.
Status take_mail(Record& record, std::string_view value) {
  if (value.empty()) return {};
  if (!value.starts_with(kMaildir)) {
    return explained(EINVAL, "mail=" + std::string(value) + ": no Maildir");
  }
  value.remove_prefix(kMaildir.size());
  auto parts = split(value, ':');
  std::string path(parts.front());
  for (auto part : parts) {
    if (part.starts_with("INBOX=")) path = part.substr(6);
    if (part.starts_with("LAYOUT=") && !iequals(part.substr(7), "maildir++")) {
      return explained(EINVAL, "mail=" + std::string(value) + ": no Maildir++");
    }
  }
  if (path.starts_with("~/") && record.home.empty()) {
    return explained(EINVAL, "mail=" + path + " and no home");
  }
  if (path.starts_with("~/")) path = record.home + path.substr(1);
  if (!path.starts_with('/')) return explained(EINVAL, "mail=" + path + ": no absolute path");
  return set_field(record, "mailbox", path);
}

// "*:storage=10M:messages=500". Only rules for the root "*" are used.
Status take_quota_rule(Record& record, std::string_view rule) {
  if (!rule.starts_with("*:")) return {};
  for (auto part : split(rule.substr(2), ':')) {
    auto equals = part.find('=');
    if (equals == std::string_view::npos) continue;
    auto name = part.substr(0, equals);
    auto value = part.substr(equals + 1);
    if (name == "messages") {
      record.quota_messages = parse_number(value);
      continue;
    }
    if (name != "storage" && name != "bytes") continue;
    // Dovecot's default unit of storage is the kilobyte.
    std::string size(value);
    if (name == "storage" && !size.empty() && is_digit(size.back())) size += "K";
    if (!size.empty() && upper(size.back()) == 'B') size.pop_back();
    Record read;
    if (auto set = set_field(read, "quota", size); !set) return set;
    record.quota_octets = read.quota_octets;
  }
  return {};
}

class DovecotLookup final : public ServerLookup {
 public:
  DovecotLookup(Endpoint endpoint, const LookupContext& context)
      : ServerLookup(context), endpoint_(std::move(endpoint)) {}

 protected:
  Status connect(sys::Deadline deadline) override;
  bool is_connected() const override { return wire_.has_value(); }
  void disconnect() override { wire_.reset(); }
  Result<std::optional<Record>> ask(const Address& address, sys::Deadline deadline) override;

 private:
  Endpoint endpoint_;
  std::optional<Wire> wire_;
  unsigned last_ = 0;  // number of the last request
};

Status DovecotLookup::connect(sys::Deadline deadline) {
  auto wire = Wire::open(endpoint_, deadline);
  if (!wire) return wire.error();
  wire_.emplace(std::move(wire).value());
  if (auto sent = wire_->write("VERSION\t1\t0\n", deadline); !sent) return sent;
  auto version = wire_->until('\n', deadline);
  if (!version) return version.error();
  if (version.value().starts_with("VERSION\t1\t")) return {};
  return explained(EPROTO, "not a Dovecot auth socket; it answered: " +
                               std::string(version.value().substr(0, 60)));
}

Result<std::optional<Record>> DovecotLookup::ask(const Address& address, sys::Deadline deadline) {
  auto number = std::to_string(++last_);
  // Dovecot expects user@domain and strips what it is configured to strip. The address contains no
  // TAB, LF or escape, because it contains no control characters.
  auto sent = wire_->write(
      "USER\t" + number + "\t" + address.local + "@" + address.domain + "\tservice=lmtp\n",
      deadline);
  if (!sent) return sent.error();
  for (;;) {
    auto line = wire_->until('\n', deadline);
    if (!line) return line.error();
    std::string_view text = line.value();
    auto words = split(text, '\t');
    // Skips SPID, whose process id may equal our number, and lines that a newer Dovecot adds.
    if (words.size() < 2 || words[1] != number || words[0] == "SPID") continue;
    if (words[0] == "NOTFOUND") return std::optional<Record>();
    if (words[0] != "USER") {
      int code = words[0] == "FAIL" ? EAGAIN : EIO;
      return explained(code, "Dovecot says " + std::string(text.substr(0, 200)));
    }
    auto from =
        words.size() < 4 ? text.size() : static_cast<std::size_t>(words[3].data() - text.data());
    auto record = parse_dovecot_user(text.substr(from));
    if (!record) return record.error();
    return std::optional(std::move(record).value());
  }
}

}  // namespace

Result<Record> parse_dovecot_user(std::string_view words) {
  Record record;
  // Dovecot 2.4 returns the three parts of mail_location separately.
  std::string mail, driver = "maildir", path;
  for (auto word : split(words, '\t')) {
    auto equals = word.find('=');
    if (equals == std::string_view::npos) continue;
    auto name = word.substr(0, equals);
    auto value = undo(word.substr(equals + 1));
    Status taken;
    if (name == "home" || name == "uid" || name == "gid" || name == "since") {
      taken = set_field(record, name, value);
    } else if (name == "mail") {
      mail = value;
    } else if (name == "mail_driver") {
      driver = value;
    } else if (name == "mail_path" || name == "mail_inbox_path") {
      if (path.empty() || name == "mail_inbox_path") path = value;
    } else if (name == "quota_rule") {
      taken = take_quota_rule(record, value);
    }
    if (!taken) return taken.error();
  }
  if (mail.empty() && !path.empty()) mail = driver + ":" + path;
  if (auto taken = take_mail(record, mail); !taken) return taken.error();
  return record;
}

Result<std::unique_ptr<Lookup>> make_dovecot_lookup(const std::string& path,
                                                    const LookupContext& context) {
  auto endpoint = parse_endpoint("unix:" + path);
  if (!endpoint) return explained(EINVAL, "the path is too long for a socket", path);
  return std::unique_ptr<Lookup>(std::make_unique<DovecotLookup>(std::move(*endpoint), context));
}

}  // namespace handoff::recipients
