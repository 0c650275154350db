// The text of a table (recipients/table.hh) into its image: reads, checks, writes, seals.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/address.hh"
#include "base/result.hh"
#include "sys/fd.hh"

namespace handoff::recipients {

// Makes of an address in the file what it would be as a recipient.
using TableFold = std::function<Address(const Address&)>;

// The image's one record that is no line's: how many lines there are, a blank, and 1 where one of
// them has `since=`. The key of a line has an @ in it.
inline constexpr std::string_view kTableSummary = "";

// Fills `image`, an empty file, from the file at `path`; from then on no process can change it.
// EINVAL, with the line, where one cannot be, where an address has two, or where aliases lead in a
// circle; ENOTSUP in a build without tinycdb. Blocks for as long as reading takes.
Status write_table(const std::string& path, const TableFold& fold, const sys::Fd& image);

}  // namespace handoff::recipients
