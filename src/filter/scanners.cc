#include "filter/scanners.hh"

#include "conf/scanner.hh"

namespace handoff::filter {
namespace {

// "Infected" of "Infected (Eicar-Test-Signature)", in the syntax of POSIX.
constexpr const char* kFirstWord = "^ *([^ ;,(]+)";

}  // namespace

void add_scanners(sieve::Facts& facts, const conf::Config& config) {
  using Type = sieve::Facts::Scanner::Type;
  if (auto spam = conf::parse_spam_scanner(config.sieve.spamtest)) {
    facts.spam.header = spam->field;
    facts.spam.type = Type::kScoreOrStars;
    facts.spam.most = static_cast<double>(spam->most);
  }
  if (auto virus = conf::parse_virus_scanner(config.sieve.virustest)) {
    facts.virus.header = virus->field;
    facts.virus.type = Type::kText;
    facts.virus.pattern = kFirstWord;
    facts.virus.words.assign(virus->words.begin(), virus->words.end());
  }
}

}  // namespace handoff::filter
