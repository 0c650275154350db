// How an address becomes the name of a recipient and of a folder: what the configuration says of
// it, and what recipients/ goes by.
#pragma once

#include <map>
#include <set>
#include <string>

namespace handoff {

// How folders beyond ASCII are named on disk.
enum class FolderEncoding {
  kUtf7,  // modified UTF-7, as Dovecot has it, and Courier-IMAP had before 5.0
  kUtf8,  // as Courier has it now, and Dovecot where its mail_location ends in :UTF-8
};

struct RecipientRules {
  std::string hostname;        // the domain of a bare <postmaster> where there is no default
  std::string default_domain;  // of addresses without one; empty: none
  std::string delimiter;       // each of its characters parts user and detail; empty: none does
  bool fold = true;            // local parts are the same in any case of letters
  // Domains as to_ascii_domain() writes them.
  std::set<std::string, std::less<>> domains = {};  // that mail is taken for; none: any
  std::map<std::string, std::string, std::less<>> domain_aliases = {};
  FolderEncoding folder_encoding = FolderEncoding::kUtf7;
  bool create_folders = false;  // a folder that is not there is made, not the inbox taken
};

}  // namespace handoff
