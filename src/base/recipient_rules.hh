// The settings that say how recipients/ turns an address into the name of a recipient and of a
// folder.
#pragma once

#include <map>
#include <set>
#include <string>

#include "base/choices.hh"

namespace handoff {

struct RecipientRules {
  std::string hostname;        // the domain of a bare <postmaster> if there is no default domain
  std::string default_domain;  // for addresses without a domain; empty: none
  std::string delimiter;       // any of these characters separates user and detail; empty: none
  bool fold = true;            // local parts are case-insensitive
  // Domains in the form that to_ascii_domain() returns.
  std::set<std::string, std::less<>> domains = {};  // accept mail for these; empty: for all
  std::map<std::string, std::string, std::less<>> domain_aliases = {};
  FolderEncoding folder_encoding = FolderEncoding::kUtf7;
  bool create_folders = false;  // create a missing folder; otherwise the message goes to the inbox
};

}  // namespace handoff
