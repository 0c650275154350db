// The setting spool.layout: where below spool.path the mailbox of an address lies.
// recipients/ fills it in; here it is only judged, so that a bad one stops the start.
#pragma once

#include <string>
#include <string_view>

namespace handoff::conf {

// Why `layout` is none, as the end of "spool.layout = …: "; empty where it is one.
// A layout is a relative path of plain text and of the variables %u (the whole address), %n (its
// local part), %d (its domain), each also as %2n: the first two characters. It contains %n or %u
// in full, because otherwise strangers would share a mailbox; and no part of it begins with a
// dot, because those names are handoff's own and Maildir++'s. Or it begins with %h, the home that a
// lookup knows, and lies there.
std::string layout_fault(std::string_view layout);

}  // namespace handoff::conf
