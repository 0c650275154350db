// The common part of lookups that send a query to a database: a row means that the recipient
// exists. Columns that are named like fields are used; others are ignored.
#pragma once

#include "recipients/server_lookup.hh"
#include "recipients/template.hh"

namespace handoff::recipients {

class DatabaseLookup : public ServerLookup {
 public:
  DatabaseLookup(Database database, const LookupContext& context)
      : ServerLookup(context), database_(std::move(database)) {}
  bool knows_owners() const override { return database_.query.has_word("since"); }

 protected:
  static Error too_many_rows() { return explained(EINVAL, "more than one row for a recipient"); }
  const Database& database() const { return database_; }

 private:
  Database database_;
};

// Returns the LookupModule::make of such a lookup.
template <class Kind>
Result<std::unique_ptr<Lookup>> make_database_lookup(const std::string& argument,
                                                     const LookupContext& context) {
  auto database = Database::parse(argument);
  if (!database) return database.error();
  return Kind::make(std::move(database).value(), context);
}

}  // namespace handoff::recipients
