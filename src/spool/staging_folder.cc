#include "spool/staging_folder.hh"

#include "spool/name.hh"

namespace handoff::spool {
namespace {

constexpr std::size_t kDigits = 2;

}  // namespace

std::string staging_folder_of(std::string_view name) {
  if (!is_our_name(name)) return {};
  auto id = id_of(name);
  return id.substr(id.size() - kDigits);
}

bool is_staging_folder(std::string_view name) {
  return name.size() == kDigits && name.find_first_not_of("0123456789abcdef") == name.npos;
}

}  // namespace handoff::spool
