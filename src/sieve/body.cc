// body (RFC 5173).
#include <algorithm>

#include "base/text.hh"
#include "sieve/body_text.hh"
#include "sieve/kinds.hh"
#include "sieve/outgoing.hh"
#include "sieve/run.hh"

namespace handoff::sieve {
namespace {

constexpr std::array kPartTags{TagUse{Tag::kRaw}, TagUse{Tag::kContent}, TagUse{Tag::kText}};
constexpr auto kBodyTags = join(kMatchTags, kPartTags);

// RFC 5173 5.2: `wanted` is "text" or "text/plain"; if it is empty, every type matches.
bool is_wanted(const ContentType& type, std::string_view wanted) {
  if (wanted.empty()) return true;
  auto slash = wanted.find('/');
  if (slash == std::string_view::npos) return iequals(type.type, wanted);
  auto subtype = wanted.substr(slash + 1);
  if (slash == 0 || subtype.empty() || subtype.find('/') != std::string_view::npos) return false;
  return iequals(type.type, wanted.substr(0, slash)) && iequals(type.subtype, subtype);
}

// Messages may be stored with line feeds alone, but strings of scripts have CRLF.
std::string in_crlf(Run& run, std::string text) {
  return run.message().newline() == "\n" ? with_crlf(text) : text;
}

std::string without_empty_line(std::string_view header) {
  for (std::string_view end : {"\r\n\r\n", "\n\n"}) {
    if (header.ends_with(end)) header.remove_suffix(end.size() / 2);
  }
  return std::string(header);
}

class Collector {
 public:
  Collector(Run& run, const Call& call) : run_(run), text_(!call.has(Tag::kContent)) {
    if (const auto* list = call.argument(Tag::kContent)) wanted_ = run.list(*list);
  }

  void part(const Part& part) {
    if (!room_) return;
    if (text_) {
      if (auto text = readable_text(part)) add(std::move(*text));
    } else if (std::ranges::any_of(wanted_,
                                   [&](const auto& w) { return is_wanted(part.type, w); })) {
      content(part);
    }
    for (const auto& child : part.children) this->part(child);
  }
  std::vector<std::string> take() { return std::move(values_); }

 private:
  void content(const Part& part) {
    if (part.multipart()) {
      add(std::string(part.prologue));
      add(std::string(part.epilogue));
    } else if (part.message() && !part.children.empty()) {
      add(without_empty_line(part.children.front().header_text));
    } else if (part.has_body) {
      if (auto decoded = part.decoded()) add(std::move(*decoded));
    }
  }
  void add(std::string value) {
    size_ += value.size();
    room_ = size_ <= run_.limits().decoded_size;
    if (room_) values_.push_back(in_crlf(run_, std::move(value)));
  }

  Run& run_;
  bool text_;
  bool room_ = true;
  std::size_t size_ = 0;
  std::vector<std::string> wanted_;
  std::vector<std::string> values_;
};

// RFC 5173 6: body sets no match variables.
bool body(Run& run, const Call& call) {
  if (!run.message().has_body()) return run.match(call, {}, call.arguments[0], true);
  if (call.has(Tag::kRaw))
    return run.match(call, {in_crlf(run, std::string(run.message().body()))}, call.arguments[0],
                     true);
  Collector values(run, call);
  values.part(run.message().root());
  return run.match(call, values.take(), call.arguments[0], true);
}

constexpr Kind kBodyKinds[] = {
    {.name = "body", .extension = "body", .arguments = "S", .tags = kBodyTags, .test = body},
};

}  // namespace

std::span<const Kind> body_kinds() { return kBodyKinds; }

std::optional<std::string> readable_text(const Part& part) {
  bool xhtml = part.type.type == "application" && part.type.subtype == "xhtml+xml";
  if (!part.has_body || (part.type.type != "text" && !xhtml) ||
      part.type.subtype.find('/') != std::string::npos)
    return std::nullopt;
  auto text = part.decoded();
  if (text && (xhtml || part.type.subtype == "html")) return text_of_html(*text);
  return text;
}

}  // namespace handoff::sieve
