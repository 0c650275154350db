// recipients.lookup = mysql:CONNINFO?QUERY, with libmariadb: one row means that the recipient
// exists. Columns that are named like fields are used; others are ignored.
#include <mysql.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <iterator>
#include <map>

#include "base/text.hh"
#include "recipients/database_lookup.hh"

namespace handoff::recipients {
namespace {

struct Close {
  void operator()(MYSQL* connection) const { ::mysql_close(connection); }
  void operator()(MYSQL_STMT* statement) const { ::mysql_stmt_close(statement); }
  void operator()(MYSQL_RES* result) const { ::mysql_free_result(result); }
};

// The location of the server, in libpq's keywords.
using Where = std::map<std::string, std::string, std::less<>>;

Result<Where> parse_where(std::string_view text) {
  Where where;
  for (text = trim(text); !text.empty(); text = trim(text)) {
    auto equals = text.find('=');
    if (equals == std::string_view::npos) break;
    std::string name(trim(text.substr(0, equals)));
    text = trim(text.substr(equals + 1));
    bool quoted = text.starts_with('\'');
    auto end = quoted ? text.find('\'', 1) : std::min(text.find(' '), text.size());
    if (end == std::string_view::npos) break;
    for (auto known :
         {"host", "port", "socket", "user", "password", "dbname", "option-file", "ssl-ca"}) {
      if (name == known) where[name] = text.substr(quoted, end - quoted);
    }
    if (!where.contains(name)) {
      return explained(EINVAL, "no such parameter: " + std::string(name));
    }
    text.remove_prefix(quoted ? end + 1 : end);
  }
  if (text.empty()) return where;
  return explained(EINVAL, "must be NAME=VALUE words, separated by blanks");
}

// Errors about a value that the server cannot compare, such as one outside the column's character
// set (mysqld_error.h: ER_CANT_AGGREGATE_2COLLATIONS and similar, ER_INVALID_CHARACTER_STRING,
// ER_TRUNCATED_WRONG_VALUE_FOR_FIELD, ER_SUBQUERY_NO_1_ROW, ER_CANNOT_CONVERT_STRING). They concern
// only this recipient.
bool is_of_value(unsigned code) {
  static constexpr unsigned kOfValue[] = {1242, 1267, 1270, 1271, 1300, 1366, 3988};
  return std::ranges::find(kOfValue, code) != std::end(kOfValue);
}

class MysqlLookup final : public DatabaseLookup {
 public:
  MysqlLookup(Database database, Where where, const LookupContext& context)
      : DatabaseLookup(std::move(database), context), where_(std::move(where)) {}
  // EINVAL if a word is unknown or not NAME=VALUE.
  static Result<std::unique_ptr<Lookup>> make(Database database, const LookupContext& context);

 protected:
  // The library limits each wait in whole seconds, so if the server sends slowly, this may end
  // after `deadline`.
  Status connect(sys::Deadline deadline) override;
  bool is_connected() const override { return statement_ != nullptr; }
  void disconnect() override {
    statement_.reset();
    connection_.reset();
  }
  Result<std::optional<Record>> ask(const Address& address, sys::Deadline deadline) override;

 private:
  const char* word(const char* name) const {
    auto at = where_.find(name);
    return at == where_.end() ? nullptr : at->second.c_str();
  }
  Error failure() const { return explained(EIO, ::mysql_error(connection_.get())); }
  Error statement_failure() const {
    bool of_value = is_of_value(::mysql_stmt_errno(statement_.get()));
    return explained(of_value ? EAGAIN : EIO, ::mysql_stmt_error(statement_.get()));
  }
  Result<std::optional<Record>> read_rows();
  Status read_column(unsigned column, std::size_t length, std::string_view name, Record& record);

  Where where_;
  std::unique_ptr<MYSQL, Close> connection_;
  std::unique_ptr<MYSQL_STMT, Close> statement_;
};

Status MysqlLookup::connect(sys::Deadline) {
  disconnect();
  connection_.reset(::mysql_init(nullptr));
  if (!connection_) return Error{ENOMEM, "mysql_init", {}};
  auto* connection = connection_.get();
  auto seconds = static_cast<unsigned>(std::max<std::int64_t>(
      std::chrono::ceil<std::chrono::seconds>(context().timeout).count(), 1));
  for (auto option : {MYSQL_OPT_CONNECT_TIMEOUT, MYSQL_OPT_READ_TIMEOUT, MYSQL_OPT_WRITE_TIMEOUT}) {
    ::mysql_options(connection, option, &seconds);
  }
  ::mysql_options(connection, MYSQL_SET_CHARSET_NAME, "utf8mb4");
  if (word("option-file") != nullptr) {
    ::mysql_options(connection, MYSQL_READ_DEFAULT_FILE, word("option-file"));
  }
  if (word("ssl-ca") != nullptr) {
    my_bool yes = 1;
    ::mysql_options(connection, MYSQL_OPT_SSL_CA, word("ssl-ca"));
    ::mysql_options(connection, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &yes);
  }
  auto port = static_cast<unsigned>(parse_number(word("port") ? word("port") : "0").value_or(0));
  if (::mysql_real_connect(connection, word("host"), word("user"), word("password"), word("dbname"),
                           port, word("socket"), 0) == nullptr) {
    return failure();
  }
  auto text = database().prepared();
  statement_.reset(::mysql_stmt_init(connection));
  if (!statement_) return Error{ENOMEM, "mysql_stmt_init", {}};
  if (::mysql_stmt_prepare(statement_.get(), text.data(), text.size()) != 0) {
    return statement_failure();
  }
  if (::mysql_stmt_param_count(statement_.get()) == database().query.variables.size()) return {};
  return explained(EINVAL, "a ? in the query is not a variable: write %u, %n or %d");
}

Result<std::optional<Record>> MysqlLookup::ask(const Address& address, sys::Deadline) {
  auto values = database().query.values(address);
  std::vector<MYSQL_BIND> binds(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    binds[i].buffer_type = MYSQL_TYPE_STRING;
    binds[i].buffer = values[i].data();
    binds[i].buffer_length = values[i].size();
  }
  auto* statement = statement_.get();
  if (::mysql_stmt_bind_param(statement, binds.data()) != 0 ||
      ::mysql_stmt_execute(statement) != 0) {
    return statement_failure();
  }
  auto record = read_rows();
  ::mysql_stmt_free_result(statement);
  return record;
}

Status MysqlLookup::read_column(unsigned column, std::size_t length, std::string_view name,
                                Record& record) {
  std::string value(length, '\0');
  std::size_t got = 0;
  MYSQL_BIND bind{};
  bind.buffer_type = MYSQL_TYPE_STRING;
  bind.buffer = value.data();
  bind.buffer_length = value.size();
  bind.length = &got;
  if (::mysql_stmt_fetch_column(statement_.get(), &bind, column, 0) != 0)
    return statement_failure();
  value.resize(std::min(got, length));
  return set_field(record, name, value);
}

Result<std::optional<Record>> MysqlLookup::read_rows() {
  auto* statement = statement_.get();
  std::unique_ptr<MYSQL_RES, Close> columns(::mysql_stmt_result_metadata(statement));
  if (!columns) return explained(EINVAL, "the query returns no rows");
  auto count = ::mysql_num_fields(columns.get());
  // First reads only the length of each value, then its text.
  std::vector<MYSQL_BIND> binds(count);
  std::vector<unsigned long> lengths(count);
  std::vector<my_bool> nulls(count);
  for (unsigned i = 0; i < count; ++i) {
    binds[i].buffer_type = MYSQL_TYPE_STRING;
    binds[i].length = &lengths[i];
    binds[i].is_null = &nulls[i];
  }
  if (::mysql_stmt_bind_result(statement, binds.data()) != 0) return statement_failure();
  if (::mysql_stmt_store_result(statement) != 0) return statement_failure();
  if (::mysql_stmt_num_rows(statement) == 0) return std::optional<Record>();
  if (::mysql_stmt_num_rows(statement) > 1) {
    return too_many_rows();
  }
  int fetched = ::mysql_stmt_fetch(statement);
  if (fetched != 0 && fetched != MYSQL_DATA_TRUNCATED) return statement_failure();
  Record record;
  for (unsigned i = 0; i < count; ++i) {
    std::string_view name = ::mysql_fetch_field_direct(columns.get(), i)->name;
    if (!is_field(name) || nulls[i] != 0) continue;
    // The binary form of a number is shorter than its text.
    constexpr std::size_t kNumber = 24;
    auto read = read_column(i, std::max<std::size_t>(lengths[i], kNumber), name, record);
    if (!read) return read.error();
  }
  return std::optional(std::move(record));
}

Result<std::unique_ptr<Lookup>> MysqlLookup::make(Database database, const LookupContext& context) {
  auto where = parse_where(database.where);
  if (!where) return where.error();
  return std::unique_ptr<Lookup>(
      std::make_unique<MysqlLookup>(std::move(database), std::move(where).value(), context));
}

constexpr LookupModule kModule{PACKAGE_VERSION, make_database_lookup<MysqlLookup>};

}  // namespace
}  // namespace handoff::recipients

const handoff::recipients::LookupModule* handoff_lookup_module() {
  return &handoff::recipients::kModule;
}
