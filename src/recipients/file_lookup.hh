// recipients.lookup = file:PATH: a recipient exists where the table has a line for the address or,
// failing that, for its whole domain.
#pragma once

#include "recipients/lookup.hh"

namespace handoff::recipients {

// `path` must be in ground.tables.
Result<std::unique_ptr<Lookup>> make_file_lookup(const std::string& path, const Ground& ground);

}  // namespace handoff::recipients
