// recipients.lookup = sqlite:PATH?QUERY: one row means that the recipient exists. Columns that are
// named like fields are used; others are ignored. The database is opened read-only.
#include <sqlite3.h>

#include "recipients/database_lookup.hh"

namespace handoff::recipients {
namespace {

struct Close {
  void operator()(sqlite3* database) const { ::sqlite3_close_v2(database); }
  void operator()(sqlite3_stmt* statement) const { ::sqlite3_finalize(statement); }
};

// Virtual machine instructions between two checks of the deadline.
constexpr int kInstructions = 10000;

int is_over(void* deadline) {
  return sys::Steady::now() >= *static_cast<sys::Deadline*>(deadline) ? 1 : 0;
}

int milliseconds_until(sys::Deadline deadline) {
  auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - sys::Steady::now());
  return static_cast<int>(std::max<std::int64_t>(left.count(), 1));
}

class SqliteLookup final : public DatabaseLookup {
 public:
  using DatabaseLookup::DatabaseLookup;
  static Result<std::unique_ptr<Lookup>> make(Database database, const LookupContext& context) {
    return std::unique_ptr<Lookup>(std::make_unique<SqliteLookup>(std::move(database), context));
  }

 protected:
  Status connect(sys::Deadline) override;
  // If another file has replaced the database, it is opened again.
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
    return explained(late ? ETIMEDOUT : EIO, text, path());
  }
  Result<std::optional<Record>> read_rows();

  const std::string& path() const { return database().where; }

  std::unique_ptr<sqlite3, Close> database_;
  std::unique_ptr<sqlite3_stmt, Close> statement_;
};

Status SqliteLookup::connect(sys::Deadline) {
  disconnect();
  sqlite3* handle = nullptr;
  constexpr int kFlags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX;
  int code = ::sqlite3_open_v2(path().c_str(), &handle, kFlags, nullptr);
  database_.reset(handle);
  if (code != SQLITE_OK) return failure(code);
  auto text = database().prepared();
  sqlite3_stmt* statement = nullptr;
  code = ::sqlite3_prepare_v3(handle, text.c_str(), -1, SQLITE_PREPARE_PERSISTENT, &statement,
                              nullptr);
  statement_.reset(statement);
  if (code != SQLITE_OK) return failure(code);
  if (statement == nullptr) return explained(EINVAL, "the query is empty", path());
  if (::sqlite3_stmt_readonly(statement) == 0) {
    return explained(EINVAL, "the query would change the database", path());
  }
  return {};
}

Result<std::optional<Record>> SqliteLookup::ask(const Address& address, sys::Deadline deadline) {
  ::sqlite3_busy_timeout(database_.get(), milliseconds_until(deadline));
  ::sqlite3_progress_handler(database_.get(), kInstructions, is_over, &deadline);
  int at = 0;
  auto values = database().query.values(address);
  for (const auto& value : values) {
    // Static, because the values live until the statement is reset.
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
  if (code == SQLITE_ROW) return too_many_rows();
  if (code != SQLITE_DONE) return failure(code);
  return std::optional(std::move(record));
}

constexpr LookupModule kModule{PACKAGE_VERSION, make_database_lookup<SqliteLookup>};

}  // namespace
}  // namespace handoff::recipients

const handoff::recipients::LookupModule* handoff_lookup_module() {
  return &handoff::recipients::kModule;
}
