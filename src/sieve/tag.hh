// The tagged arguments of all commands and tests.
#pragma once

#include <cstdint>
#include <string_view>

namespace handoff::sieve {

enum class Tag : std::uint8_t {
  kNone,
  // Match types and comparators
  kIs,
  kContains,
  kMatches,
  kRegex,
  kCount,
  kValue,
  kComparator,
  // Parts of an address
  kAll,
  kLocalpart,
  kDomain,
  kUser,
  kDetail,
  // Which occurrence of a field
  kIndex,
  kLast,
  // MIME parts
  kMime,
  kAnychild,
  kType,
  kSubtype,
  kContenttype,
  kParam,
  // size
  kOver,
  kUnder,
  // Copies
  kCopy,
  kCreate,
  kFlags,
  kSpecialuse,
  kFcc,
  // vacation, duplicate, notify
  kDays,
  kSeconds,
  kSubject,
  kFrom,
  kAddresses,
  kHandle,
  kHeader,
  kUniqueid,
  kImportance,
  kOptions,
  kMessage,
  // body
  kRaw,
  kContent,
  kText,
  // date
  kZone,
  kOriginalzone,
  // set
  kLower,
  kUpper,
  kLowerfirst,
  kUpperfirst,
  kQuotewildcard,
  kQuoteregex,
  kLength,
  kEncodeurl,
  // include, foreverypart, extracttext, spamtest, enclose
  kPersonal,
  kGlobal,
  kOnce,
  kOptional,
  kName,
  kFirst,
  kPercent,
  kHeaders,
  // The first number for tags that a program adds to the language (Language::tags).
  kForeign,
};

// What follows a tag.
enum class TagValue : std::uint8_t { kNothing, kNumber, kString, kList };

// Groups of tags; a call may have only one tag of a group.
enum class TagGroup : std::uint8_t {
  kNone,
  kMatchType,
  kAddressPart,
  kContentPart,
  kBodyPart,
  kZone,
  kOverUnder,
  kPeriod,
  kUnique,
  kPlace
};

struct TagRow {
  Tag tag;
  std::string_view name;
  TagValue value = TagValue::kNothing;
  TagGroup group = TagGroup::kNone;
};

}  // namespace handoff::sieve
