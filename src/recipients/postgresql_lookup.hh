// recipients.lookup = postgresql:CONNINFO?QUERY, by libpq: one row says that the recipient exists;
// its columns are fields, others are left alone.
#pragma once

#include "recipients/lookup.hh"

namespace handoff::recipients {

Result<std::unique_ptr<Lookup>> make_postgresql_lookup(const std::string& argument,
                                                       const Ground& ground);

}  // namespace handoff::recipients
