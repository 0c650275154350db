// The setting spool.layout: the path of a mailbox relative to spool.path. This file only checks it;
// recipients/ expands it.
#pragma once

#include <string>
#include <string_view>

namespace handoff::conf {

// Returns an empty string if `layout` is valid. Otherwise returns the reason, which completes the
// sentence "spool.layout = …: ".
// A layout is a relative path of plain text and the variables %u (the whole address), %n (its local
// part) and %d (its domain), each also as %2n: the first two characters. It must contain %n or %u
// in full, because otherwise different recipients would share a mailbox. No component may begin
// with a dot, because handoff and Maildir++ use such names. A layout may also begin with %h, the
// home directory from a lookup; the mailbox is then in that directory.
std::string layout_fault(std::string_view layout);

// The same for sieve.script: an absolute path, or one that begins with %h/. It needs no variable,
// and its components may begin with a dot.
std::string script_fault(std::string_view path);

}  // namespace handoff::conf
