// What the site's scanners of spam and viruses report, for scripts.
#pragma once

#include "conf/config.hh"
#include "sieve/facts.hh"

namespace handoff::filter {

// Sets facts.spam and facts.virus as sieve.spamtest and sieve.virustest say.
void add_scanners(sieve::Facts& facts, const conf::Config& config);

}  // namespace handoff::filter
