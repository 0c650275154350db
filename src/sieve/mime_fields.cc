#include "sieve/mime_fields.hh"

#include <tuple>

#include "base/text.hh"
#include "sieve/checker.hh"
#include "sieve/run.hh"

namespace handoff::sieve {
namespace {

void collect(const Part& part, bool children, const std::vector<std::string>& names,
             std::vector<const Field*>& out) {
  for (const auto& name : names) {
    for (const auto* field : part.header.find(name)) out.push_back(field);
  }
  if (!children) return;
  for (const auto& child : part.children) collect(child, children, names, out);
}

}  // namespace

void check_mime_fields(Checker& checker, Call& call) {
  if (!call.has(Tag::kMime)) {
    for (auto tag : {Tag::kAnychild, Tag::kType, Tag::kSubtype, Tag::kContenttype, Tag::kParam}) {
      if (call.has(tag)) checker.fault(call.line, "':" + call.find(tag)->name + "' needs ':mime'");
    }
  }
  const auto* index = call.argument(Tag::kIndex);
  if (call.has(Tag::kLast) && index == nullptr) checker.fault(call.line, "':last' needs ':index'");
  if (index != nullptr && index->number == 0) checker.fault(call.line, "':index' counts from 1");
}

std::vector<const Field*> fields_of(Run& run, const Call& call,
                                    const std::vector<std::string>& names) {
  std::vector<const Field*> out;
  if (call.has(Tag::kMime)) {
    const auto& part = run.parts().empty() ? run.message().root() : *run.parts().back();
    collect(part, call.has(Tag::kAnychild), names, out);
  } else {
    for (const auto& name : names) {
      for (const auto* field : run.message().header().find(name)) out.push_back(field);
    }
  }
  run.step(out.size() / 16);
  if (!call.has(Tag::kIndex)) return out;
  auto at = Run::index(call, out.size());
  if (!at) return {};
  return {out[*at]};
}

std::vector<std::string> values_of(Run& run, const Call& call, const Field& field) {
  bool type = call.has(Tag::kType);
  bool subtype = call.has(Tag::kSubtype);
  const auto* param = call.argument(Tag::kParam);
  if (!type && !subtype && param == nullptr && !call.has(Tag::kContenttype))
    return {field.decoded()};
  auto value = field.unfolded();
  std::string word;
  ContentType content;
  if (iequals(field.name, "Content-Type")) {
    // If the value is malformed, the types are empty; the defaults are for a missing field only.
    content = parse_content_type(value);
    word = content.type + "/" + content.subtype;
  } else {
    std::tie(word, content) = parse_disposition(value);
    content.type = word;
    content.subtype.clear();
  }
  if (type) return {content.type};
  if (subtype) return {content.subtype};
  if (param == nullptr) return {word};
  std::vector<std::string> out;
  for (const auto& name : run.list(*param)) {
    for (const auto& [key, text] : content.parameters) {
      if (iequals(key, name)) out.push_back(text);
    }
  }
  return out;
}

}  // namespace handoff::sieve
