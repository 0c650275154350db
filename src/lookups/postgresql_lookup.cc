// recipients.lookup = postgresql:CONNINFO?QUERY, with libpq: one row means that the recipient
// exists. Columns that are named like fields are used; others are ignored.
#include <libpq-fe.h>

#include <array>
#include <string_view>

#include "base/text.hh"
#include "recipients/database_lookup.hh"

namespace handoff::recipients {
namespace {

struct Close {
  void operator()(PGconn* connection) const { ::PQfinish(connection); }
  void operator()(PGresult* result) const { ::PQclear(result); }
};
using Rows = std::unique_ptr<PGresult, Close>;

constexpr const char* kStatement = "handoff";

// Returns the first line, which says what is wrong.
std::string first_line(std::string_view text) {
  return std::string(trim(text.substr(0, text.find('\n'))));
}

class PostgresqlLookup final : public DatabaseLookup {
 public:
  using DatabaseLookup::DatabaseLookup;
  // EINVAL if libpq cannot parse the location of the database.
  static Result<std::unique_ptr<Lookup>> make(Database database, const LookupContext& context);

 protected:
  Status connect(sys::Deadline deadline) override;
  bool is_connected() const override { return connection_ != nullptr; }
  void disconnect() override { connection_.reset(); }
  Result<std::optional<Record>> ask(const Address& address, sys::Deadline deadline) override;

 private:
  Error failure() const { return explained(EIO, first_line(::PQerrorMessage(connection_.get()))); }
  Status wait(short events, sys::Deadline deadline) const;
  // Receives the result of what was sent, which must have `status`.
  Result<Rows> receive(ExecStatusType status, sys::Deadline deadline);
  Status send_statement(sys::Deadline deadline);

  std::unique_ptr<PGconn, Close> connection_;
};

Status PostgresqlLookup::wait(short events, sys::Deadline deadline) const {
  std::array<pollfd, 1> fds{{{::PQsocket(connection_.get()), events, 0}}};
  if (sys::wait_for(fds, deadline, false) == sys::Waited::kReady) return {};
  return explained(ETIMEDOUT, "no answer");
}

Status PostgresqlLookup::connect(sys::Deadline deadline) {
  // libpq takes other parameters from the environment, a service file and ~/.pgpass.
  const char* const names[] = {"dbname", "client_encoding", "fallback_application_name", nullptr};
  const char* const values[] = {database().where.c_str(), "UTF8", "handoffd", nullptr};
  connection_.reset(::PQconnectStartParams(names, values, 1));
  if (!connection_) return Error{ENOMEM, "PQconnectStart", {}};
  if (::PQstatus(connection_.get()) == CONNECTION_BAD) return failure();
  auto polled = PGRES_POLLING_WRITING;
  while (polled != PGRES_POLLING_OK) {
    if (polled == PGRES_POLLING_FAILED) return failure();
    auto ready = wait(polled == PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline);
    if (!ready) return ready;
    polled = ::PQconnectPoll(connection_.get());
  }
  if (::PQsetnonblocking(connection_.get(), 1) != 0) return failure();
  return send_statement(deadline);
}

Status PostgresqlLookup::send_statement(sys::Deadline deadline) {
  // The server must also stop a query for which we no longer wait.
  auto limit = "SET statement_timeout = " + std::to_string(context().timeout.count());
  if (::PQsendQuery(connection_.get(), limit.c_str()) == 0) return failure();
  if (auto done = receive(PGRES_COMMAND_OK, deadline); !done) return done.error();
  auto text = database().prepared(true);
  if (::PQsendPrepare(connection_.get(), kStatement, text.c_str(), 0, nullptr) == 0) {
    return failure();
  }
  auto done = receive(PGRES_COMMAND_OK, deadline);
  return done ? Status() : Status(done.error());
}

Result<Rows> PostgresqlLookup::receive(ExecStatusType status, sys::Deadline deadline) {
  auto* connection = connection_.get();
  for (int left = ::PQflush(connection); left != 0; left = ::PQflush(connection)) {
    if (left < 0) return failure();
    if (auto ready = wait(POLLIN | POLLOUT, deadline); !ready) return ready.error();
    if (::PQconsumeInput(connection) == 0) return failure();
  }
  Rows rows;
  for (;;) {
    while (::PQisBusy(connection) != 0) {
      if (auto ready = wait(POLLIN, deadline); !ready) return ready.error();
      if (::PQconsumeInput(connection) == 0) return failure();
    }
    Rows next(::PQgetResult(connection));
    if (!next) break;
    rows = std::move(next);
  }
  if (!rows) return failure();
  if (::PQresultStatus(rows.get()) != status) {
    auto text = first_line(::PQresultErrorMessage(rows.get()));
    // Class 22, data exception: the query fails for this recipient.
    const char* state = ::PQresultErrorField(rows.get(), PG_DIAG_SQLSTATE);
    bool of_one = state != nullptr && std::string_view(state).starts_with("22");
    return explained(of_one ? EAGAIN : EIO,
                     text.empty() ? "the query gave an unexpected result" : text);
  }
  return rows;
}

Result<std::optional<Record>> PostgresqlLookup::ask(const Address& address,
                                                    sys::Deadline deadline) {
  auto values = database().query.values(address);
  std::vector<const char*> pointers;
  for (const auto& value : values) pointers.push_back(value.c_str());
  if (::PQsendQueryPrepared(connection_.get(), kStatement, static_cast<int>(pointers.size()),
                            pointers.data(), nullptr, nullptr, 0) == 0) {
    return failure();
  }
  auto received = receive(PGRES_TUPLES_OK, deadline);
  if (!received) return received.error();
  auto* rows = received.value().get();
  if (::PQntuples(rows) == 0) return std::optional<Record>();
  if (::PQntuples(rows) > 1) return too_many_rows();
  Record record;
  for (int i = 0; i < ::PQnfields(rows); ++i) {
    std::string_view name = ::PQfname(rows, i);
    if (!is_field(name) || ::PQgetisnull(rows, 0, i) != 0) continue;
    if (auto set = set_field(record, name, ::PQgetvalue(rows, 0, i)); !set) return set.error();
  }
  return std::optional(std::move(record));
}

Result<std::unique_ptr<Lookup>> PostgresqlLookup::make(Database database,
                                                       const LookupContext& context) {
  char* why = nullptr;
  auto* parsed = ::PQconninfoParse(database.where.c_str(), &why);
  if (parsed == nullptr) {
    auto error = explained(EINVAL, first_line(why ? why : "libpq is out of memory"));
    ::PQfreemem(why);
    return error;
  }
  ::PQconninfoFree(parsed);
  return std::unique_ptr<Lookup>(std::make_unique<PostgresqlLookup>(std::move(database), context));
}

constexpr LookupModule kModule{PACKAGE_VERSION, make_database_lookup<PostgresqlLookup>};

}  // namespace
}  // namespace handoff::recipients

const handoff::recipients::LookupModule* handoff_lookup_module() {
  return &handoff::recipients::kModule;
}
