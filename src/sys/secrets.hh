// Passwords in memory. A process that no longer needs them overwrites them, so that whoever reads
// its memory later finds none: its forks have copies of its heap, including what was freed.
#pragma once

#include <string>
#include <string_view>

namespace handoff::sys {

// From now on, memory is overwritten when it is freed (that of new; not that of C libraries, nor
// with AddressSanitizer, which keeps it). For a process that reads passwords, before it does.
void erase_freed_memory(bool on);

// Overwrites the text and clears it.
void erase(std::string& text);

// Whether the libraries of databases take a password, or the path of a file with passwords, from
// this variable ("NAME=VALUE").
bool is_of_database(std::string_view variable);
// Overwrites the values of these variables, and removes them from the environment.
void erase_database_variables();

}  // namespace handoff::sys
