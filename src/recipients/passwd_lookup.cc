#include "recipients/passwd_lookup.hh"

#include "recipients/record.hh"
#include "sys/account.hh"

namespace handoff::recipients {

Result<Answer> PasswdLookup::find(const Address& address) {
  auto person = sys::find_person(address.local);
  if (!person) return person.error();
  if (!person.value() || person.value()->account.uid == 0) return Answer();
  Record record;
  record.home = person.value()->home;
  record.uid = person.value()->account.uid;
  record.gid = person.value()->account.gid;
  return answer_of(record, address, ground_);
}

}  // namespace handoff::recipients
