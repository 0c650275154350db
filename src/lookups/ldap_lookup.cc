// recipients.lookup = ldap:URL, with OpenLDAP's libldap: one entry means that the recipient exists.
#include <ldap.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>

#include "lookups/ldap_url.hh"
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

// RFC 4515 3: escapes special characters of filters, and every octet beyond ASCII.
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
  return explained(code == LDAP_TIMEOUT ? ETIMEDOUT : EIO,
                   std::string(what) + ": " + ::ldap_err2string(code));
}

Error too_many() { return explained(EINVAL, "more than one entry for a recipient"); }

class LdapLookup final : public ServerLookup {
 public:
  LdapLookup(LdapUrl url, Template filter, const LookupContext& context)
      : ServerLookup(context), url_(std::move(url)), filter_(std::move(filter)) {}
  bool knows_owners() const override {
    return std::ranges::any_of(url_.attributes, [](const auto& a) { return a.first == "since"; });
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
  LdapUrl url_;
  Template filter_;
  std::unique_ptr<LDAP, Free> connection_;
  bool bound_ = false;
};

// Receives all messages for `id`, as a chain.
Result<Message> LdapLookup::receive(int id, sys::Deadline deadline) {
  auto time = time_until(deadline);
  LDAPMessage* message = nullptr;
  int got = ::ldap_result(connection_.get(), id, LDAP_MSG_ALL, &time, &message);
  Message owned(message);
  if (got == 0) return explained(ETIMEDOUT, "no answer");
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
  if (!url_.password_file.empty()) {
    std::ifstream in(url_.password_file);
    if (!std::getline(in, password))
      return Error{errno != 0 ? errno : EIO, "read the password", url_.password_file};
  }
  // Without a password this would be an unauthenticated bind, which usually sees less (RFC 4513
  // 5.1.2).
  if (!url_.bind_name.empty() && password.empty()) {
    return explained(EACCES, "bindname needs a password", url_.password_file);
  }
  LDAP* connection = nullptr;
  if (int code = ::ldap_initialize(&connection, url_.server.c_str()); code != LDAP_SUCCESS) {
    return failure(code, "ldap_initialize");
  }
  connection_.reset(connection);
  auto time = time_until(deadline);
  int version = LDAP_VERSION3;
  ::ldap_set_option(connection, LDAP_OPT_PROTOCOL_VERSION, &version);
  ::ldap_set_option(connection, LDAP_OPT_NETWORK_TIMEOUT, &time);
  ::ldap_set_option(connection, LDAP_OPT_TIMEOUT, &time);
  // Referrals are not followed: a connection to another server would have no deadline and no
  // password.
  ::ldap_set_option(connection, LDAP_OPT_REFERRALS, LDAP_OPT_OFF);
  if (url_.start_tls) {
    int code = ::ldap_start_tls_s(connection, nullptr, nullptr);
    if (code != LDAP_SUCCESS) return failure(code, "StartTLS");
  }
  berval secret{static_cast<ber_len_t>(password.size()), password.data()};
  int id = 0;
  int code = ::ldap_sasl_bind(connection, url_.bind_name.c_str(), LDAP_SASL_SIMPLE, &secret,
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
  auto names = url_.attributes;
  for (auto& [field, attribute] : names) wanted.push_back(attribute.data());
  std::string none = LDAP_NO_ATTRS;
  if (wanted.empty()) wanted.push_back(none.data());
  wanted.push_back(nullptr);
  auto time = time_until(deadline);
  int id = 0;
  // At most two entries, because two are already too many.
  int code = ::ldap_search_ext(connection_.get(), url_.base.c_str(), url_.scope, filter.c_str(),
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
        return explained(EIO, "the directory refers to another server");
      case LDAP_RES_SEARCH_RESULT:
        // Includes "no such object": the base is missing, which says nothing about the recipient.
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
  for (const auto& [field, attribute] : url_.attributes) {
    std::unique_ptr<berval*, Free> values(
        ::ldap_get_values_len(connection_.get(), entry, attribute.c_str()));
    if (!values || ::ldap_count_values_len(values.get()) == 0) continue;
    if (::ldap_count_values_len(values.get()) > 1) {
      return explained(EINVAL, "more than one value of " + attribute);
    }
    const berval* value = *values.get();
    if (auto set = set_field(record, field, {value->bv_val, value->bv_len}); !set) {
      return set.error();
    }
  }
  return record;
}

Result<std::unique_ptr<Lookup>> make_ldap_lookup(const std::string& argument,
                                                 const LookupContext& context) {
  auto url = parse_ldap_url(argument);
  if (!url) return url.error();
  auto filter = Template::parse(url.value().filter);
  if (!filter) return filter.error();
  return std::unique_ptr<Lookup>(
      std::make_unique<LdapLookup>(std::move(url).value(), std::move(filter).value(), context));
}

constexpr LookupModule kModule{PACKAGE_VERSION, make_ldap_lookup};

}  // namespace
}  // namespace handoff::recipients

const handoff::recipients::LookupModule* handoff_lookup_module() {
  return &handoff::recipients::kModule;
}
