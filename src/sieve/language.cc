#include "sieve/language.hh"

#include <algorithm>

#include "sieve/kinds.hh"

namespace handoff::sieve {
namespace {

constexpr Extension kExtensions[] = {
    {"fileinto"},
    {"envelope"},
    {"encoded-character"},
    {"comparator-i;octet"},
    {"comparator-i;ascii-casemap"},
    {"comparator-i;ascii-numeric"},
    {"comparator-i;unicode-casemap"},
    {"body"},
    {"copy"},
    {"date"},
    {"duplicate"},
    {"editheader"},
    {"enclose"},
    {"enotify"},
    {"envelope-auth"},
    {"environment"},
    {"ereject"},
    {"extracttext", {}, "foreverypart variables"},
    {"fcc"},
    {"foreverypart"},
    {"ihave"},
    {"imap4flags"},
    {"include"},
    {"index"},
    {"mailbox"},
    {"mime"},
    {"regex"},
    {"reject"},
    {"relational"},
    {"replace"},
    {"spamtest"},
    {"spamtestplus", "spamtest"},
    {"special-use"},
    {"subaddress"},
    {"vacation"},
    {"vacation-seconds", "vacation"},
    {"variables"},
    {"virustest"},
    {"vnd.dovecot.debug"},
    {"vnd.dovecot.environment", "environment"},
};

using enum TagValue;
constexpr TagRow kTags[] = {
    {Tag::kIs, "is", kNothing, TagGroup::kMatchType},
    {Tag::kContains, "contains", kNothing, TagGroup::kMatchType},
    {Tag::kMatches, "matches", kNothing, TagGroup::kMatchType},
    {Tag::kRegex, "regex", kNothing, TagGroup::kMatchType},
    {Tag::kCount, "count", kString, TagGroup::kMatchType},
    {Tag::kValue, "value", kString, TagGroup::kMatchType},
    {Tag::kComparator, "comparator", kString},
    {Tag::kAll, "all", kNothing, TagGroup::kAddressPart},
    {Tag::kLocalpart, "localpart", kNothing, TagGroup::kAddressPart},
    {Tag::kDomain, "domain", kNothing, TagGroup::kAddressPart},
    {Tag::kUser, "user", kNothing, TagGroup::kAddressPart},
    {Tag::kDetail, "detail", kNothing, TagGroup::kAddressPart},
    {Tag::kIndex, "index", kNumber},
    {Tag::kLast, "last"},
    {Tag::kMime, "mime"},
    {Tag::kAnychild, "anychild"},
    {Tag::kType, "type", kNothing, TagGroup::kContentPart},
    {Tag::kSubtype, "subtype", kNothing, TagGroup::kContentPart},
    {Tag::kContenttype, "contenttype", kNothing, TagGroup::kContentPart},
    {Tag::kParam, "param", kList, TagGroup::kContentPart},
    {Tag::kOver, "over", kNothing, TagGroup::kOverUnder},
    {Tag::kUnder, "under", kNothing, TagGroup::kOverUnder},
    {Tag::kCopy, "copy"},
    {Tag::kCreate, "create"},
    {Tag::kFlags, "flags", kList},
    {Tag::kSpecialuse, "specialuse", kString},
    {Tag::kFcc, "fcc", kString},
    {Tag::kDays, "days", kNumber, TagGroup::kPeriod},
    {Tag::kSeconds, "seconds", kNumber, TagGroup::kPeriod},
    {Tag::kSubject, "subject", kString},
    {Tag::kFrom, "from", kString},
    {Tag::kAddresses, "addresses", kList},
    {Tag::kHandle, "handle", kString},
    {Tag::kHeader, "header", kString, TagGroup::kUnique},
    {Tag::kUniqueid, "uniqueid", kString, TagGroup::kUnique},
    {Tag::kImportance, "importance", kString},
    {Tag::kOptions, "options", kList},
    {Tag::kMessage, "message", kString},
    {Tag::kRaw, "raw", kNothing, TagGroup::kBodyPart},
    {Tag::kContent, "content", kList, TagGroup::kBodyPart},
    {Tag::kText, "text", kNothing, TagGroup::kBodyPart},
    {Tag::kZone, "zone", kString, TagGroup::kZone},
    {Tag::kOriginalzone, "originalzone", kNothing, TagGroup::kZone},
    {Tag::kLower, "lower"},
    {Tag::kUpper, "upper"},
    {Tag::kLowerfirst, "lowerfirst"},
    {Tag::kUpperfirst, "upperfirst"},
    {Tag::kQuotewildcard, "quotewildcard"},
    {Tag::kQuoteregex, "quoteregex"},
    {Tag::kLength, "length"},
    {Tag::kEncodeurl, "encodeurl"},
    {Tag::kPersonal, "personal", kNothing, TagGroup::kPlace},
    {Tag::kGlobal, "global", kNothing, TagGroup::kPlace},
    {Tag::kOnce, "once"},
    {Tag::kOptional, "optional"},
    {Tag::kName, "name", kString},
    {Tag::kFirst, "first", kNumber},
    {Tag::kPercent, "percent"},
    {Tag::kHeaders, "headers", kList},
};

}  // namespace

const Language& Language::standard() {
  static const Language kStandard = [] {
    Language out;
    for (auto kinds :
         {control_kinds(), action_kinds(), test_kinds(), body_kinds(), date_kinds(),
          duplicate_kinds(), editheader_kinds(), environment_kinds(), flag_kinds(), mailbox_kinds(),
          mime_kinds(), notify_kinds(), spam_kinds(), vacation_kinds(), variable_kinds()}) {
      out.add(kinds);
    }
    out.add(kTags);
    for (const auto& extension : kExtensions) out.add(extension);
    return out;
  }();
  return kStandard;
}

void Language::add(std::span<const Kind> kinds) {
  for (const auto& kind : kinds) (kind.test != nullptr ? tests_ : commands_).push_back(&kind);
}

const Kind* Language::find(const std::vector<const Kind*>& kinds, std::string_view name) {
  auto found = std::ranges::find_if(kinds, [&](const Kind* kind) { return kind->name == name; });
  return found == kinds.end() ? nullptr : *found;
}

const TagRow* Language::tag(Tag tag) const {
  auto found = std::ranges::find_if(tags_, [&](const TagRow& row) { return row.tag == tag; });
  return found == tags_.end() ? nullptr : &*found;
}

const Extension* Language::extension(std::string_view name) const {
  auto found =
      std::ranges::find_if(extensions_, [&](const Extension& e) { return e.name == name; });
  return found == extensions_.end() ? nullptr : &*found;
}

}  // namespace handoff::sieve
