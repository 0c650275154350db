// The common part of the commands that store a copy: keep, fileinto, and any command with :fcc.
#pragma once

#include <array>
#include <optional>

#include "sieve/kind.hh"
#include "sieve/plan.hh"

namespace handoff::sieve {

class Checker;
class Run;
struct Argument;
struct Call;

// RFC 8580: tags of a command that can store what it sends.
inline constexpr std::array kFccTags{
    TagUse{Tag::kFcc, "fcc"},
    TagUse{Tag::kCreate, "mailbox"},
    TagUse{Tag::kFlags, "imap4flags"},
    TagUse{Tag::kSpecialuse, "special-use"},
};

// Checks the name of a folder and the special use, if they are constant.
void check_folder(Checker& checker, const Argument& folder);
void check_copy(Checker& checker, Call& call);
// Checks :fcc and the tags that describe its copy, which need it.
void check_fcc(Checker& checker, Call& call);
// Returns the copy that a call describes, in `folder`; nothing if Run::failed().
std::optional<Copy> make_copy(Run& run, const Call& call, const std::string& folder);
// Returns the copy that :fcc describes; nothing if the call has no :fcc.
std::optional<Copy> make_fcc(Run& run, const Call& call);

}  // namespace handoff::sieve
