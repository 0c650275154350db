#include "recipients/passwd_lookup.hh"

#include <algorithm>
#include <filesystem>

#include "base/text.hh"
#include "recipients/record.hh"
#include "sys/account.hh"

namespace handoff::recipients {
namespace {

// Without "//" and "/./", which jails and directories put into homes. What ".." leads to only the
// filesystem knows.
std::string tidied(const std::string& home) {
  if (std::ranges::count(split(home, '/'), "..") > 0) return home;
  return std::filesystem::path(home).lexically_normal().string();
}

}  // namespace

Result<Answer> PasswdLookup::find(const Address& address) {
  auto person = sys::find_person(address.local);
  if (!person) return person.error();
  if (!person.value() || person.value()->account.uid == 0) return Answer();
  Record record;
  record.home = tidied(person.value()->home);
  record.uid = person.value()->account.uid;
  record.gid = person.value()->account.gid;
  return answer_of(record, address, ground_);
}

}  // namespace handoff::recipients
