// recipients.lookup = postgresql:CONNINFO?QUERY, by libpq: one row says that the recipient exists;
// its columns are fields, others are left alone.
#include <libpq-fe.h>

#include <array>
#include <string_view>

#include "base/text.hh"
#include "recipients/server_lookup.hh"
#include "recipients/template.hh"

namespace handoff::recipients {
namespace {

struct Close {
  void operator()(PGconn* connection) const { ::PQfinish(connection); }
  void operator()(PGresult* result) const { ::PQclear(result); }
};
using Rows = std::unique_ptr<PGresult, Close>;

constexpr const char* kStatement = "handoff";

// Of several lines the first, which says what is wrong.
std::string first_line(std::string_view text) {
  return std::string(trim(text.substr(0, text.find('\n'))));
}

class PostgresqlLookup final : public ServerLookup {
 public:
  PostgresqlLookup(std::string where, Template query, const Ground& ground)
      : ServerLookup(ground), where_(std::move(where)), query_(std::move(query)) {}
  bool knows_owners() const override { return query_.has_word("since"); }

 protected:
  Status connect(sys::Deadline deadline) override;
  bool is_connected() const override { return connection_ != nullptr; }
  void disconnect() override { connection_.reset(); }
  Result<std::optional<Record>> ask(const Address& address, sys::Deadline deadline) override;

 private:
  Error failure() const { return {EIO, first_line(::PQerrorMessage(connection_.get())), {}}; }
  Status wait(short events, sys::Deadline deadline) const;
  // The result of what was sent, which must have `status`.
  Result<Rows> receive(ExecStatusType status, sys::Deadline deadline);
  Status send_statement(sys::Deadline deadline);

  std::string where_;
  Template query_;
  std::unique_ptr<PGconn, Close> connection_;
};

Status PostgresqlLookup::wait(short events, sys::Deadline deadline) const {
  std::array<pollfd, 1> fds{{{::PQsocket(connection_.get()), events, 0}}};
  if (sys::wait_for(fds, deadline, false) == sys::Waited::kReady) return {};
  return Error{ETIMEDOUT, "no answer", {}};
}

Status PostgresqlLookup::connect(sys::Deadline deadline) {
  // What is not in where_ comes from the environment, a service file and ~/.pgpass, as libpq has
  // it.
  const char* const names[] = {"dbname", "client_encoding", "fallback_application_name", nullptr};
  const char* const values[] = {where_.c_str(), "UTF8", "handoffd", nullptr};
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
  // A query that we no longer wait for is to end over there as well.
  auto limit = "SET statement_timeout = " + std::to_string(ground().timeout.count());
  if (::PQsendQuery(connection_.get(), limit.c_str()) == 0) return failure();
  if (auto done = receive(PGRES_COMMAND_OK, deadline); !done) return done.error();
  std::string text = query_.texts.front();
  for (std::size_t i = 1; i < query_.texts.size(); ++i) {
    text += "$" + std::to_string(i) + query_.texts[i];
  }
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
    // Class 22, data exception: the query cannot do with this recipient.
    const char* state = ::PQresultErrorField(rows.get(), PG_DIAG_SQLSTATE);
    bool of_one = state != nullptr && std::string_view(state).starts_with("22");
    return Error{
        of_one ? EAGAIN : EIO, text.empty() ? "an answer that is none to the query" : text, {}};
  }
  return rows;
}

Result<std::optional<Record>> PostgresqlLookup::ask(const Address& address,
                                                    sys::Deadline deadline) {
  auto values = query_.values(address);
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
  if (::PQntuples(rows) > 1) return Error{EINVAL, "more than one row for a recipient", {}};
  Record record;
  for (int i = 0; i < ::PQnfields(rows); ++i) {
    std::string_view name = ::PQfname(rows, i);
    if (!is_field(name) || ::PQgetisnull(rows, 0, i) != 0) continue;
    if (auto set = set_field(record, name, ::PQgetvalue(rows, 0, i)); !set) return set.error();
  }
  return std::optional(std::move(record));
}

Result<std::unique_ptr<Lookup>> make_postgresql_lookup(const std::string& argument,
                                                       const Ground& ground) {
  auto mark = argument.find('?');
  if (mark == std::string::npos) {
    return Error{EINVAL, "recipients.lookup = postgresql: no query", {}};
  }
  auto query = parse_query(std::string_view(argument).substr(mark + 1));
  if (!query) return query.error();
  auto where = argument.substr(0, mark);
  char* why = nullptr;
  auto* parsed = ::PQconninfoParse(where.c_str(), &why);
  if (parsed == nullptr) {
    Error error{EINVAL, "recipients.lookup = postgresql: " + first_line(why ? why : ""), {}};
    ::PQfreemem(why);
    return error;
  }
  ::PQconninfoFree(parsed);
  return std::unique_ptr<Lookup>(
      std::make_unique<PostgresqlLookup>(std::move(where), std::move(query).value(), ground));
}

constexpr LookupModule kModule{PACKAGE_VERSION, make_postgresql_lookup};

}  // namespace
}  // namespace handoff::recipients

const handoff::recipients::LookupModule* handoff_lookup_module() {
  return &handoff::recipients::kModule;
}
