// foreverypart, break, replace, enclose and extracttext (RFC 5703).
#include <algorithm>

#include "base/text.hh"
#include "base/unicode.hh"
#include "sieve/body_text.hh"
#include "sieve/checker.hh"
#include "sieve/kinds.hh"
#include "sieve/modifiers.hh"
#include "sieve/moment.hh"
#include "sieve/outgoing.hh"
#include "sieve/run.hh"

namespace handoff::sieve {
namespace {

constexpr std::array kNameTags{TagUse{Tag::kName}};
constexpr std::array kReplaceTags{TagUse{Tag::kMime}, TagUse{Tag::kSubject}, TagUse{Tag::kFrom}};
constexpr std::array kEncloseTags{TagUse{Tag::kSubject}, TagUse{Tag::kHeaders}};
constexpr std::array kFirstTags{TagUse{Tag::kFirst}};
constexpr auto kExtractTags = join(kFirstTags, kModifierTags);

void check_name(Checker& checker, Call& call) {
  const auto* name = call.argument(Tag::kName);
  if (name != nullptr) checker.constant(*name);
}

// Runs the block of a loop for a part, unless it is that of a loop around, and for the parts below
// it, depth first. A part that the block replaces has none below it (RFC 5703 5).
Flow visit(Run& run, const Call& call, Part& part, bool itself) {
  auto flow = Flow::kNext;
  if (itself) {
    if (!run.step()) return run.fail(call.line, "the script takes too many steps");
    run.parts().push_back(&part);
    flow = run.block(call.commands);
    run.parts().pop_back();
  }
  for (auto& child : part.children) {
    if (flow != Flow::kNext) break;
    flow = visit(run, call, child, true);
  }
  return flow;
}

// The outermost loop begins with the message itself.
Flow foreverypart(Run& run, const Call& call) {
  if (run.parts().size() >= run.limits().loop_depth)
    return run.fail(call.line, "loops are nested too deeply");
  bool outermost = run.parts().empty();
  auto flow = visit(run, call, outermost ? run.message().root() : *run.parts().back(), outermost);
  if (flow == Flow::kBreak) {
    if (run.breaking() > 1) return --run.breaking(), Flow::kBreak;
    run.breaking() = 0;
    flow = Flow::kNext;
  }
  // No loop refers to parts any more.
  if (outermost) run.message().settle();
  return flow;
}

// Returns how many loops `break` leaves; 0 if no loop has that name.
std::size_t depth_of(const std::vector<std::string>& loops, const std::string& name) {
  for (std::size_t i = loops.size(); i > 0; --i) {
    if (name.empty() || loops[i - 1] == name) return loops.size() - i + 1;
  }
  return 0;
}
void check_break(Checker& checker, Call& call) {
  const auto* argument = call.argument(Tag::kName);
  call.loops = depth_of(checker.loops(), argument == nullptr ? "" : checker.constant(*argument));
  if (call.loops == 0)
    checker.fault(call.line, "'break' is outside of the loop that it would leave");
}
Flow break_loop(Run& run, const Call& call) {
  run.breaking() = call.loops;
  return Flow::kBreak;
}

// Makes an entity that replaces a part: "Content-Type", an empty line, the text.
std::string replacement_for(Run& run, const Call& call) {
  auto text = run.string(call.arguments[0]);
  return call.has(Tag::kMime) ? with_crlf(text) : text_entity(text);
}

std::string in_newlines_of(const Message& message, std::string text) {
  if (message.newline() == "\n") std::erase(text, '\r');
  return text;
}

// Counts an edit, and the octets that it copies.
bool may_rewrite(Run& run, const Call& call) {
  if (!run.step(run.message().size() / kOctetsOfStep))
    return run.fail(call.line, "the script takes too many steps"), false;
  return run.count_header_edit(call.line);
}

// RFC 5703 5: the two tags are for text that the command makes a message of.
void check_replace(Checker& checker, Call& call) {
  if (call.has(Tag::kMime) && (call.has(Tag::kSubject) || call.has(Tag::kFrom)))
    checker.fault(call.line, "':mime' excludes ':subject' and ':from'");
}
// Outside of a loop, replaces the whole message; in a loop, its current part.
Flow replace(Run& run, const Call& call) {
  auto entity = replacement_for(run, call);
  auto& message = run.message();
  if (!may_rewrite(run, call)) return Flow::kFailed;
  auto& part = run.parts().empty() ? message.root() : *run.parts().back();
  if (&part == &message.root()) {
    auto subject = run.string(call, Tag::kSubject);
    auto from = run.string(call, Tag::kFrom);
    if (run.failed()) return Flow::kFailed;
    run.note(call, "the message");
    if (subject) message.replace_field("Subject", *subject);
    if (from) message.replace_field("From", *from);
    entity = "MIME-Version: 1.0\r\n" + entity;
  } else {
    run.note(call, part.type.type + "/" + part.type.subtype);
    // The line end before the next boundary does not belong to the part.
    if (entity.ends_with("\r\n")) entity.resize(entity.size() - 2);
  }
  message.replace(part, in_newlines_of(message, std::move(entity)));
  if (run.parts().empty()) message.settle();
  return Flow::kNext;
}

// RFC 5703 6: the message becomes an attachment of a new message with the given text.
Flow enclose(Run& run, const Call& call) {
  if (!may_rewrite(run, call)) return Flow::kFailed;
  const auto& facts = run.facts();
  Enclosure made;
  made.text = run.string(call.arguments[0]);
  made.fields = {{"Date", Moment{facts.now, facts.zone}.std11()}, {"From", "<" + facts.to + ">"}};
  if (auto subject = run.string(call, Tag::kSubject))
    made.fields.emplace_back("Subject", encode_words(*subject));
  if (auto id = run.new_message_id(); !id.empty())
    made.fields.emplace_back("Message-ID", "<" + id + ">");
  if (const auto* copied = call.argument(Tag::kHeaders)) made.copied = run.list(*copied);
  if (run.failed()) return Flow::kFailed;
  run.note(call, "the message");
  run.message().enclose(std::move(made));
  if (run.parts().empty()) run.message().settle();
  return Flow::kNext;
}

void check_extract(Checker& checker, Call& call) {
  if (!checker.active("variables"))
    return checker.fault(call.line, "'extracttext' needs: require \"variables\"");
  if (checker.loops().empty())
    return checker.fault(call.line, "'extracttext' is outside of foreverypart");
  checker.check_variable(call.arguments[0]);
  check_modifiers(checker, call);
}
Flow extracttext(Run& run, const Call& call) {
  if (run.parts().empty()) return run.fail(call.line, "'extracttext' is outside of foreverypart");
  auto text = readable_text(*run.parts().back()).value_or("");
  if (const auto* first = call.argument(Tag::kFirst)) {
    auto size = std::min<std::uint64_t>(first->number, text.size());
    // :first counts characters.
    std::size_t at = 0;
    for (std::uint64_t count = 0; at < text.size(); ++at) {
      if ((static_cast<unsigned char>(text[at]) & 0xc0) != 0x80 && count++ == size) break;
    }
    text.resize(at);
  }
  set_variable(run, call.arguments[0].texts.front().literal,
               modify(call, std::move(text), run.limits()));
  return Flow::kNext;
}

constexpr Kind kMimeKinds[] = {
    {.name = "foreverypart",
     .extension = "foreverypart",
     .tags = kNameTags,
     .block = true,
     .check = check_name,
     .command = foreverypart},
    {.name = "break",
     .extension = "foreverypart",
     .tags = kNameTags,
     .check = check_break,
     .command = break_loop},
    {.name = "replace",
     .extension = "replace",
     .arguments = "s",
     .tags = kReplaceTags,
     .check = check_replace,
     .command = replace},
    {.name = "enclose",
     .extension = "enclose",
     .arguments = "s",
     .tags = kEncloseTags,
     .command = enclose},
    {.name = "extracttext",
     .extension = "extracttext",
     .arguments = "s",
     .tags = kExtractTags,
     .check = check_extract,
     .command = extracttext},
};

}  // namespace

std::span<const Kind> mime_kinds() { return kMimeKinds; }

}  // namespace handoff::sieve
