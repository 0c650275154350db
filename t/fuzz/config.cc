#include <string>

#include "conf/file.hh"
#include "conf/load.hh"
#include "recipients/kinds.hh"
#include "targets.hh"

namespace handoff::fuzz {

void config(std::string_view octets) {
  using namespace handoff::conf;
  if (octets.size() > 8192) return;
  std::string dumped;
  try {
    auto settings = combine(read_text(octets, "file"), {}, recipients::parse_lookup);
    dumped = dump(settings, {.secrets = true});
  } catch (const ConfigError& error) {
    std::string_view what = error.what();
    require(!what.empty() && what.find('\n') == what.npos, "an error of more than one line");
    return;
  }
  try {
    auto again = combine(read_text(dumped, "dump"), {}, recipients::parse_lookup);
    require(dump(again, {.secrets = true}) == dumped, "a dump that loads to other settings");
  } catch (const ConfigError&) {
    require(false, "a dump that does not load");
  }
}

}  // namespace handoff::fuzz
