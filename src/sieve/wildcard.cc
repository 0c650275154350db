#include "sieve/wildcard.hh"

#include <algorithm>
#include <optional>
#include <span>

#include "sieve/comparator.hh"

namespace handoff::sieve {
namespace {

enum class ItemKind : std::uint8_t { kLiteral, kOne };
struct PatternItem {
  ItemKind item;
  char literal;
};
using Segment = std::vector<PatternItem>;

// Splits the pattern at its stars.
std::vector<Segment> segments_of(std::string_view pattern) {
  std::vector<Segment> out(1);
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    char c = pattern[i];
    if (c == '*') {
      out.emplace_back();
    } else if (c == '?') {
      out.back().push_back({ItemKind::kOne, 0});
    } else {
      if (c == '\\' && i + 1 < pattern.size()) c = pattern[++i];
      out.back().push_back({ItemKind::kLiteral, c});
    }
  }
  return out;
}

// Returns the size of the character at the start of a text; 1 if the first octet does not start a
// character.
std::size_t character_size(std::string_view text) {
  auto lead = static_cast<unsigned char>(text.front());
  std::size_t size = lead < 0xc0 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (size > text.size()) return 1;
  for (std::size_t i = 1; i < size; ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xc0) != 0x80) return 1;
  }
  return size;
}

class Wildcards {
 public:
  Wildcards(std::string_view text, std::string_view shown, bool characters, std::uint64_t& work)
      : text_(text), shown_(shown), characters_(characters), work_(work) {}

  bool match(const std::vector<Segment>& segments, std::vector<std::string>* values) {
    std::vector<std::string> found{std::string(shown_)};
    auto at = segment_at(segments.front(), 0, found);
    if (!at) return false;
    if (segments.size() == 1) {
      if (*at != text_.size()) return false;
    } else {
      for (const auto& segment : std::span(segments).subspan(1)) {
        at = later(segment, *at, &segment == &segments.back(), found);
        if (!at) return false;
      }
    }
    if (values != nullptr) *values = std::move(found);
    return true;
  }

 private:
  // Returns where the segment ends if it matches at `at`, and adds the text that its question marks
  // match.
  std::optional<std::size_t> segment_at(const Segment& segment, std::size_t at,
                                        std::vector<std::string>& found) {
    auto before = found.size();
    for (const auto& token : segment) {
      if (work_ == 0) return std::nullopt;
      --work_;
      bool matches =
          at < text_.size() && (token.item == ItemKind::kOne || text_[at] == token.literal);
      if (!matches) {
        found.resize(before);
        return std::nullopt;
      }
      std::size_t size = 1;
      if (token.item == ItemKind::kOne) {
        if (characters_) size = character_size(text_.substr(at));
        found.emplace_back(shown_.substr(at, size));
      }
      at += size;
    }
    return at;
  }

  // The same for a segment that follows a star: looks for its first match at `from` or later. The
  // last segment must match at the end of the text.
  std::optional<std::size_t> later(const Segment& segment, std::size_t from, bool last,
                                   std::vector<std::string>& found) {
    auto star = found.size();
    for (auto at = last && !characters_wide(segment)
                       ? std::max(from, text_.size() - std::min(text_.size(), segment.size()))
                       : from;
         at <= text_.size() && work_ > 0; ++at) {
      found.resize(star);
      found.emplace_back(shown_.substr(from, at - from));
      auto end = segment_at(segment, at, found);
      if (end && (!last || *end == text_.size())) return end;
      if (work_ > 0) --work_;
    }
    return std::nullopt;
  }

  // Returns whether the segment may match texts of different sizes.
  bool characters_wide(const Segment& segment) const {
    return characters_ &&
           std::ranges::any_of(segment, [](PatternItem t) { return t.item == ItemKind::kOne; });
  }

  std::string_view text_;   // in the form that is compared
  std::string_view shown_;  // in the form from which values are taken
  bool characters_;
  std::uint64_t& work_;
};

}  // namespace

bool match_wildcards(std::string_view pattern, std::string_view text, const Comparator& comparator,
                     std::vector<std::string>* values, std::uint64_t& work) {
  auto folded = comparator.fold(text);
  // i;unicode-casemap may change sizes. Values are then taken from the folded text.
  std::string_view shown = folded.size() == text.size() ? text : std::string_view(folded);
  return Wildcards(folded, shown, comparator.info().characters, work)
      .match(segments_of(comparator.fold(pattern)), values);
}

}  // namespace handoff::sieve
