// recipients.lookup = sqlite:PATH?QUERY: one row says that the recipient exists; its columns are
// fields, others are left alone. The database is only read.
#pragma once

#include "recipients/lookup.hh"

namespace handoff::recipients {

Result<std::unique_ptr<Lookup>> make_sqlite_lookup(const std::string& argument,
                                                   const Ground& ground);

}  // namespace handoff::recipients
