// recipients.lookup = ldap:URL, by OpenLDAP's libldap: one entry says that the recipient exists.
#include <ldap.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>

#include "lookups/ldap_place.hh"
#include "recipients/server_lookup.hh"
#include "recipients/template.hh"

namespace handoff::recipients {
namespace {

struct Free {
  void operator()(LDAP* connection) const { ::ldap_unbind_ext_s(connection, nullptr, nullptr); }
  void operator()(LDAPMessage* message) const { ::ldap_msgfree(message); }
  void operator()(berval** values) const { ::ldap_value_free_len(values); }
};
using Message = std::unique_ptr<LDAPMessage, Free>;

// RFC 4515 3: what has a meaning in a filter, and every octet that is no letter.
std::string escape_value(std::string_view value) {
  std::string out;
  for (char c : value) {
    bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                 std::string_view("@._-+=").find(c) != std::string_view::npos;
    std::array<char, 4> hex;
    std::snprintf(hex.data(), hex.size(), "\\%02x",
                  static_cast<unsigned>(static_cast<unsigned char>(c)));
    out += plain ? std::string(1, c) : hex.data();
  }
  return out;
}

timeval time_until(sys::Deadline deadline) {
  auto left = std::max(std::chrono::ceil<std::chrono::microseconds>(deadline - sys::Steady::now()),
                       std::chrono::microseconds(1));
  timeval time{};
  time.tv_sec = static_cast<decltype(time.tv_sec)>(left.count() / 1'000'000);
  time.tv_usec = static_cast<decltype(time.tv_usec)>(left.count() % 1'000'000);
  return time;
}

Error failure(int code, const char* what) {
  return {code == LDAP_TIMEOUT ? ETIMEDOUT : EIO,
          std::string(what) + ": " + ::ldap_err2string(code),
          {}};
}

Error too_many() { return {EINVAL, "more than one entry for a recipient", {}}; }

class LdapLookup final : public ServerLookup {
 public:
  LdapLookup(LdapPlace place, Template filter, const Ground& ground)
      : ServerLookup(ground), place_(std::move(place)), filter_(std::move(filter)) {}
  bool knows_owners() const override {
    return std::ranges::any_of(place_.attributes, [](const auto& a) { return a.first == "since"; });
  }

 protected:
  Status connect(sys::Deadline deadline) override;
  bool is_connected() const override { return bound_; }
  void disconnect() override {
    bound_ = false;
    connection_.reset();
  }
  Result<std::optional<Record>> ask(const Address& address, sys::Deadline deadline) override;

 private:
  Result<Message> receive(int id, sys::Deadline deadline);
  Status check_result(LDAPMessage* result, const char* what) const;
  Result<Record> read_entry(LDAPMessage* entry) const;
  int scope() const {
    return place_.scope == "one"    ? LDAP_SCOPE_ONELEVEL
           : place_.scope == "base" ? LDAP_SCOPE_BASE
                                    : LDAP_SCOPE_SUBTREE;
  }

  LdapPlace place_;
  Template filter_;
  std::unique_ptr<LDAP, Free> connection_;
  bool bound_ = false;
};

// All that came for `id`, as a chain of messages.
Result<Message> LdapLookup::receive(int id, sys::Deadline deadline) {
  auto time = time_until(deadline);
  LDAPMessage* message = nullptr;
  int got = ::ldap_result(connection_.get(), id, LDAP_MSG_ALL, &time, &message);
  Message owned(message);
  if (got == 0) return Error{ETIMEDOUT, "no answer", {}};
  if (got > 0) return owned;
  int code = LDAP_OTHER;
  ::ldap_get_option(connection_.get(), LDAP_OPT_RESULT_CODE, &code);
  return failure(code, "ldap_result");
}

Status LdapLookup::check_result(LDAPMessage* result, const char* what) const {
  int code = LDAP_OTHER;
  int parsed =
      ::ldap_parse_result(connection_.get(), result, &code, nullptr, nullptr, nullptr, nullptr, 0);
  if (parsed != LDAP_SUCCESS) return failure(parsed, what);
  if (code == LDAP_SUCCESS) return {};
  if (code == LDAP_SIZELIMIT_EXCEEDED) return too_many();
  return failure(code, what);
}

Status LdapLookup::connect(sys::Deadline deadline) {
  disconnect();
  std::string password;
  if (!place_.password_file.empty()) {
    std::ifstream in(place_.password_file);
    if (!std::getline(in, password))
      return Error{errno != 0 ? errno : EIO, "read the password", place_.password_file};
  }
  // That would be no bind but an anonymous one, to which much is nobody (RFC 4513 5.1.2).
  if (!place_.bind_name.empty() && password.empty()) {
    return Error{EACCES, "bindname wants a password", place_.password_file};
  }
  LDAP* connection = nullptr;
  if (int code = ::ldap_initialize(&connection, place_.server.c_str()); code != LDAP_SUCCESS) {
    return failure(code, "ldap_initialize");
  }
  connection_.reset(connection);
  auto time = time_until(deadline);
  int version = LDAP_VERSION3;
  ::ldap_set_option(connection, LDAP_OPT_PROTOCOL_VERSION, &version);
  ::ldap_set_option(connection, LDAP_OPT_NETWORK_TIMEOUT, &time);
  ::ldap_set_option(connection, LDAP_OPT_TIMEOUT, &time);
  // Where another server is named, that one is not followed to: it has no deadline and no password.
  ::ldap_set_option(connection, LDAP_OPT_REFERRALS, LDAP_OPT_OFF);
  if (place_.start_tls) {
    int code = ::ldap_start_tls_s(connection, nullptr, nullptr);
    if (code != LDAP_SUCCESS) return failure(code, "StartTLS");
  }
  berval secret{static_cast<ber_len_t>(password.size()), password.data()};
  int id = 0;
  int code = ::ldap_sasl_bind(connection, place_.bind_name.c_str(), LDAP_SASL_SIMPLE, &secret,
                              nullptr, nullptr, &id);
  if (code != LDAP_SUCCESS) return failure(code, "bind");
  auto answer = receive(id, deadline);
  if (!answer) return answer.error();
  auto result = check_result(answer.value().get(), "bind");
  bound_ = result.ok();
  return result;
}

Result<std::optional<Record>> LdapLookup::ask(const Address& address, sys::Deadline deadline) {
  std::string filter = filter_.texts.front();
  auto values = filter_.values(address);
  for (std::size_t i = 0; i < values.size(); ++i) {
    filter += escape_value(values[i]) + filter_.texts[i + 1];
  }
  std::vector<char*> wanted;
  auto names = place_.attributes;
  for (auto& [field, attribute] : names) wanted.push_back(attribute.data());
  std::string none = LDAP_NO_ATTRS;
  if (wanted.empty()) wanted.push_back(none.data());
  wanted.push_back(nullptr);
  auto time = time_until(deadline);
  int id = 0;
  // Two are as much too many as any number.
  int code = ::ldap_search_ext(connection_.get(), place_.base.c_str(), scope(), filter.c_str(),
                               wanted.data(), 0, nullptr, nullptr, &time, 2, &id);
  if (code != LDAP_SUCCESS) return failure(code, "search");
  auto received = receive(id, deadline);
  if (!received) {
    ::ldap_abandon_ext(connection_.get(), id, nullptr, nullptr);
    return received.error();
  }
  LDAPMessage* entry = nullptr;
  int entries = 0;
  for (auto* each = ::ldap_first_message(connection_.get(), received.value().get());
       each != nullptr; each = ::ldap_next_message(connection_.get(), each)) {
    switch (::ldap_msgtype(each)) {
      case LDAP_RES_SEARCH_ENTRY:
        entry = each;
        ++entries;
        break;
      case LDAP_RES_SEARCH_REFERENCE:
        return Error{EIO, "the directory refers to another server", {}};
      case LDAP_RES_SEARCH_RESULT:
        // "No such object" too: the base is missing, and that says nothing of a recipient.
        if (auto good = check_result(each, "search"); !good) return good.error();
        break;
      default:
        break;
    }
  }
  if (entries == 0) return std::optional<Record>();
  if (entries > 1) return too_many();
  auto record = read_entry(entry);
  if (!record) return record.error();
  return std::optional(std::move(record).value());
}

Result<Record> LdapLookup::read_entry(LDAPMessage* entry) const {
  Record record;
  for (const auto& [field, attribute] : place_.attributes) {
    std::unique_ptr<berval*, Free> values(
        ::ldap_get_values_len(connection_.get(), entry, attribute.c_str()));
    if (!values || ::ldap_count_values_len(values.get()) == 0) continue;
    if (::ldap_count_values_len(values.get()) > 1) {
      return Error{EINVAL, "more than one value of " + attribute, {}};
    }
    const berval* value = *values.get();
    if (auto set = set_field(record, field, {value->bv_val, value->bv_len}); !set) {
      return set.error();
    }
  }
  return record;
}

Result<std::unique_ptr<Lookup>> make_ldap_lookup(const std::string& argument,
                                                 const Ground& ground) {
  auto place = parse_ldap_place(argument);
  if (!place) return place.error();
  auto filter = Template::parse(place.value().filter);
  if (!filter) return filter.error();
  return std::unique_ptr<Lookup>(
      std::make_unique<LdapLookup>(std::move(place).value(), std::move(filter).value(), ground));
}

constexpr LookupModule kModule{PACKAGE_VERSION, make_ldap_lookup};

}  // namespace
}  // namespace handoff::recipients

const handoff::recipients::LookupModule* handoff_lookup_module() {
  return &handoff::recipients::kModule;
}
