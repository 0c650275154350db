// The fields that the tests header, address and exists examine: those of the message or, with
// :mime, those of its parts (RFC 5703 4); :index selects one of several (RFC 5260 6).
#pragma once

#include <array>
#include <string>
#include <vector>

#include "sieve/header.hh"
#include "sieve/kind.hh"

namespace handoff::sieve {

class Checker;
class Run;
struct Call;

inline constexpr std::array kMimePartTags{
    TagUse{Tag::kType, "mime"},
    TagUse{Tag::kSubtype, "mime"},
    TagUse{Tag::kContenttype, "mime"},
    TagUse{Tag::kParam, "mime"},
};

// Checks that :anychild and similar tags are used with :mime, and :last with :index, and that
// :index is not 0.
void check_mime_fields(Checker& checker, Call& call);
// Returns the fields with one of the names. The pointers are valid until the message is edited.
std::vector<const Field*> fields_of(Run& run, const Call& call,
                                    const std::vector<std::string>& names);
// Returns the values of a field: decoded text, or the parts of it that :type, :param and similar
// tags select.
std::vector<std::string> values_of(Run& run, const Call& call, const Field& field);

}  // namespace handoff::sieve
