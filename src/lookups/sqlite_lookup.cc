// recipients.lookup = sqlite:PATH?QUERY: one row says that the recipient exists; its columns are
// fields, others are left alone. The database is only read.
#include <sqlite3.h>

#include "recipients/server_lookup.hh"
#include "recipients/template.hh"

namespace handoff::recipients {
namespace {

struct Close {
  void operator()(sqlite3* database) const { ::sqlite3_close_v2(database); }
  void operator()(sqlite3_stmt* statement) const { ::sqlite3_finalize(statement); }
};

// Virtual machine instructions between two looks at the clock.
constexpr int kInstructions = 10000;

int is_over(void* deadline) {
  return sys::Steady::now() >= *static_cast<sys::Deadline*>(deadline) ? 1 : 0;
}

int milliseconds_until(sys::Deadline deadline) {
  auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - sys::Steady::now());
  return static_cast<int>(std::max<std::int64_t>(left.count(), 1));
}

class SqliteLookup final : public ServerLookup {
 public:
  SqliteLookup(std::string path, Template query, const Ground& ground)
      : ServerLookup(ground), path_(std::move(path)), query_(std::move(query)) {}
  // A file is as near as the spool is.
  bool is_remote() const override { return false; }
  bool knows_owners() const override { return query_.has_word("since"); }

 protected:
  Status connect(sys::Deadline) override;
  // A database that was replaced by another file of its name is opened anew.
  bool is_connected() const override {
    int moved = 0;
    return statement_ != nullptr &&
           ::sqlite3_file_control(database_.get(), "main", SQLITE_FCNTL_HAS_MOVED, &moved) ==
               SQLITE_OK &&
           moved == 0;
  }
  void disconnect() override {
    statement_.reset();
    database_.reset();
  }
  Result<std::optional<Record>> ask(const Address& address, sys::Deadline deadline) override;

 private:
  Error failure(int code) const {
    const char* text = database_ ? ::sqlite3_errmsg(database_.get()) : ::sqlite3_errstr(code);
    bool late = code == SQLITE_INTERRUPT || code == SQLITE_BUSY;
    return {late ? ETIMEDOUT : EIO, text, path_};
  }
  Result<std::optional<Record>> read_rows();

  std::string path_;
  Template query_;
  std::unique_ptr<sqlite3, Close> database_;
  std::unique_ptr<sqlite3_stmt, Close> statement_;
};

Status SqliteLookup::connect(sys::Deadline) {
  disconnect();
  sqlite3* database = nullptr;
  constexpr int kFlags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX;
  int code = ::sqlite3_open_v2(path_.c_str(), &database, kFlags, nullptr);
  database_.reset(database);
  if (code != SQLITE_OK) return failure(code);
  std::string text = query_.texts.front();
  for (std::size_t i = 1; i < query_.texts.size(); ++i) text += "?" + query_.texts[i];
  sqlite3_stmt* statement = nullptr;
  code = ::sqlite3_prepare_v3(database, text.c_str(), -1, SQLITE_PREPARE_PERSISTENT, &statement,
                              nullptr);
  statement_.reset(statement);
  if (code != SQLITE_OK) return failure(code);
  if (statement == nullptr) return Error{EINVAL, "the query is empty", path_};
  if (::sqlite3_stmt_readonly(statement) == 0) return Error{EINVAL, "the query writes", path_};
  return {};
}

Result<std::optional<Record>> SqliteLookup::ask(const Address& address, sys::Deadline deadline) {
  ::sqlite3_busy_timeout(database_.get(), milliseconds_until(deadline));
  ::sqlite3_progress_handler(database_.get(), kInstructions, is_over, &deadline);
  int at = 0;
  auto values = query_.values(address);
  for (const auto& value : values) {
    // Static: they live until the statement is reset.
    ::sqlite3_bind_text(statement_.get(), ++at, value.data(), static_cast<int>(value.size()),
                        SQLITE_STATIC);
  }
  auto record = read_rows();
  ::sqlite3_reset(statement_.get());
  ::sqlite3_clear_bindings(statement_.get());
  ::sqlite3_progress_handler(database_.get(), 0, nullptr, nullptr);
  return record;
}

Result<std::optional<Record>> SqliteLookup::read_rows() {
  auto* statement = statement_.get();
  int code = ::sqlite3_step(statement);
  if (code == SQLITE_DONE) return std::optional<Record>();
  if (code != SQLITE_ROW) return failure(code);
  Record record;
  for (int i = 0; i < ::sqlite3_column_count(statement); ++i) {
    std::string_view name = ::sqlite3_column_name(statement, i);
    if (!is_field(name) || ::sqlite3_column_type(statement, i) == SQLITE_NULL) continue;
    auto* text = ::sqlite3_column_text(statement, i);
    if (text == nullptr) return failure(SQLITE_NOMEM);
    std::string_view value(reinterpret_cast<const char*>(text),
                           static_cast<std::size_t>(::sqlite3_column_bytes(statement, i)));
    if (auto set = set_field(record, name, value); !set) return set.error();
  }
  code = ::sqlite3_step(statement);
  if (code == SQLITE_ROW) return Error{EINVAL, "more than one row for a recipient", path_};
  if (code != SQLITE_DONE) return failure(code);
  return std::optional(std::move(record));
}

Result<std::unique_ptr<Lookup>> make_sqlite_lookup(const std::string& argument,
                                                   const Ground& ground) {
  auto mark = argument.find('?');
  if (mark == std::string::npos) return Error{EINVAL, "recipients.lookup = sqlite: no query", {}};
  auto query = parse_query(std::string_view(argument).substr(mark + 1));
  if (!query) return query.error();
  return std::unique_ptr<Lookup>(
      std::make_unique<SqliteLookup>(argument.substr(0, mark), std::move(query).value(), ground));
}

constexpr LookupModule kModule{PACKAGE_VERSION, make_sqlite_lookup};

}  // namespace
}  // namespace handoff::recipients

const handoff::recipients::LookupModule* handoff_lookup_module() {
  return &handoff::recipients::kModule;
}
