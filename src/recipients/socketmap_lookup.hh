// recipients.lookup = socketmap:unix:PATH:NAME or socketmap:tcp:HOST:PORT:NAME: the protocol of
// Sendmail's socket maps, as Postfix's socketmap_table(5) describes it. The map NAME is asked for
// the whole address; what it says is the fields of a record, or a value of no meaning here.
#pragma once

#include "recipients/lookup.hh"

namespace handoff::recipients {

Result<std::unique_ptr<Lookup>> make_socketmap_lookup(const std::string& argument,
                                                      const Ground& ground);

}  // namespace handoff::recipients
