#include "recipients/folder.hh"

#include <algorithm>

#include "base/text.hh"
#include "base/unicode.hh"
#include "base/utf7.hh"
#include "recipients/layout.hh"

namespace handoff::recipients {
namespace {

constexpr std::size_t kMaxFolder = 254;  // NAME_MAX without the leading dot, octets

// '*' and '%' are wildcards in LIST; a name that begins with '~' is none to Dovecot.
bool is_folder_part(std::string_view part) {
  return is_plain_name(part) && part.front() != '~' &&
         part.find_first_of("*%") == std::string_view::npos;
}

}  // namespace

std::optional<std::string> folder_name(std::string_view detail, FolderEncoding encoding) {
  if (!is_utf8(detail)) return std::nullopt;
  auto parts = split(detail, '.');
  if (iequals(parts.front(), "INBOX")) return std::nullopt;
  if (!std::ranges::all_of(parts, is_folder_part)) return std::nullopt;
  auto name = encoding == FolderEncoding::kUtf8 ? to_nfc(detail) : to_imap_utf7(detail);
  if (name.size() > kMaxFolder) return std::nullopt;
  return name;
}

}  // namespace handoff::recipients
