// Passwords in memory. A process overwrites them when it no longer needs them, so that nobody who
// reads its memory later finds any. Its forks have copies of its heap, including freed memory.
#pragma once

#include <string>
#include <string_view>

namespace handoff::sys {

// From now on, memory from `new` is overwritten when it is freed. Memory of C libraries is not, nor
// any in a build with AddressSanitizer, which keeps freed memory. Call this before passwords are
// read.
void erase_freed_memory(bool on);

// Overwrites the text and clears it.
void erase(std::string& text);

// Whether the libraries of databases take a password, or the path of a file with passwords, from
// this variable ("NAME=VALUE").
bool is_of_database(std::string_view variable);
// Overwrites the values of these variables, and removes them from the environment.
void erase_database_variables();

}  // namespace handoff::sys
