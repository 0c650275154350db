#include "filter/wire.hh"

#include <algorithm>
#include <cerrno>
#include <functional>
#include <memory>
#include <type_traits>
#include <utility>

#include "base/codec.hh"

namespace handoff::filter {
namespace {

// Maximum sizes of fields, octets, and of lists.
constexpr std::size_t kWord = 1024;
constexpr std::size_t kPath = 4096;
constexpr std::size_t kText = 64 << 10;         // a reason, a line of a log, a name
constexpr std::size_t kLargeText = 200u << 20;  // an edited body, a message
constexpr std::size_t kMostScripts = 100;
constexpr std::size_t kMostActions = 2000;
constexpr std::size_t kMostItems = 1000;

constexpr char kJob = 'J';
constexpr char kQuestion = 'Q';
constexpr char kAnswer = 'A';
constexpr char kVerdict = 'V';

template <class Codec>
inline constexpr bool kDecodes = std::is_same_v<Codec, Decoder>;

template <class Codec, class List>
void pass_texts(Codec& codec, List& list, std::size_t most, std::size_t octets) {
  pass_list(codec, list, most, [&](auto& text) { codec.text(text, octets); });
}

template <class Codec, class J>
void pass_job(Codec& codec, J& job) {
  auto& facts = job.facts;
  for (auto* text :
       {&facts.from, &facts.to, &facts.original_to, &facts.auth, &facts.host, &facts.message_id,
        &facts.user, &facts.folder, &facts.separators, &facts.postmaster})
    codec.text(*text, kPath);
  pass_texts(codec, facts.addresses, kMostItems, kPath);
  for (auto* scanner : {&facts.spam, &facts.virus}) {
    codec.text(scanner->header, kWord);
    codec.text(scanner->pattern, kWord);
    codec.number(scanner->type,
                 static_cast<std::uint64_t>(sieve::Facts::Scanner::Type::kScoreOrStars));
    codec.number(scanner->most, kAnyNumber);  // a whole number
    pass_texts(codec, scanner->words, kMostItems, kWord);
  }
  auto seconds = facts.now.time_since_epoch().count();
  auto minutes = facts.zone.count();
  codec.number(seconds, kAnyNumber);
  codec.number(minutes, kAnyNumber);
  if constexpr (kDecodes<Codec>) {
    facts.now = std::chrono::sys_seconds(std::chrono::seconds(seconds));
    facts.zone = std::chrono::minutes(minutes);
  }
  auto& limits = job.limits;
  codec.number(limits.script_size, kAnyNumber);
  codec.number(limits.actions, kAnyNumber);
  codec.number(limits.redirects, kAnyNumber);
  codec.number(limits.steps, kAnyNumber);
  pass_texts(codec, job.scripts, kMostScripts, kPath);
}

template <class Codec, class M>
void pass_mark(Codec& codec, M& mark) {
  codec.number(mark.kind, static_cast<std::uint64_t>(sieve::Mark::Kind::kVacation));
  codec.text(mark.id, kText);
  codec.number(mark.seconds, kAnyNumber);
}

template <class Codec, class Q>
void pass_question(Codec& codec, Q& question) {
  codec.number(question.kind, static_cast<std::uint64_t>(Question::Kind::kEnvironment));
  codec.number(question.place, static_cast<std::uint64_t>(sieve::ScriptPlace::kGlobal));
  codec.text(question.name, kText);
  codec.text(question.use, kWord);
  pass_mark(codec, question.mark);
}

template <class Codec, class E>
void pass_error(Codec& codec, E& error) {
  codec.number(error.code, 65535);
  codec.text(error.what, kPath);
  codec.text(error.path, kPath);
  codec.number(error.reason, static_cast<std::uint64_t>(kLastReason));
}

template <class Codec, class A>
void pass_answer(Codec& codec, A& answer) {
  pass_optional(codec, answer.error, [&](auto& error) { pass_error(codec, error); });
  codec.flag(answer.yes);
  pass_optional(codec, answer.text, [&](auto& text) { codec.text(text, kText); });
}

// --- The verdict. The texts of edited messages come first, because several actions may share one.

using Texts = std::vector<std::shared_ptr<const std::string>>;

template <class Action>
void each_edited(Action& action, const std::function<void(const sieve::Edited&)>& visit) {
  std::visit(
      [&](const auto& a) {
        if constexpr (requires { a.edited; }) visit(a.edited);
        if constexpr (requires { a.copy; }) {
          if (a.copy) visit(a.copy->edited);
        }
      },
      action);
}

Texts texts_of(const sieve::Plan& plan) {
  Texts texts;
  auto add = [&](const std::shared_ptr<const std::string>& text) {
    if (text && std::ranges::find(texts, text) == texts.end()) texts.push_back(text);
  };
  for (const auto& action : plan.actions) {
    each_edited(action, [&](const sieve::Edited& edited) {
      add(edited.header);
      add(edited.body);
    });
  }
  return texts;
}

template <class Codec, class Text>
void pass_shared(Codec& codec, Text& text, const Texts& texts) {
  std::size_t number = 0;  // 0: none
  if constexpr (!kDecodes<Codec>) {
    if (text) number = 1 + static_cast<std::size_t>(std::ranges::find(texts, text) - texts.begin());
  }
  codec.number(number, texts.size());
  if constexpr (kDecodes<Codec>) {
    if (number != 0 && number <= texts.size()) text = texts[number - 1];
  }
}

template <class Codec, class P>
void pass_place(Codec& codec, P& place) {
  codec.text(place.script, kPath);
  codec.number(place.line, kAnyNumber);
  codec.text(place.rule, kText);
}

template <class Codec, class E>
void pass_edited(Codec& codec, E& edited, const Texts& texts) {
  pass_shared(codec, edited.header, texts);
  pass_shared(codec, edited.body, texts);
}

template <class Codec, class C>
void pass_copy(Codec& codec, C& copy, const Texts& texts) {
  pass_place(codec, copy.place);
  codec.text(copy.folder, kPath);
  pass_texts(codec, copy.flags, kMostItems, kWord);
  codec.flag(copy.create);
  codec.text(copy.special_use, kWord);
  pass_edited(codec, copy.edited, texts);
}

template <class Codec, class R>
void pass_redirect(Codec& codec, R& redirect, const Texts& texts) {
  pass_place(codec, redirect.place);
  codec.text(redirect.to, kWord);
  codec.text(redirect.head, kText);
  pass_edited(codec, redirect.edited, texts);
}

template <class Codec, class R>
void pass_rejection(Codec& codec, R& rejection) {
  pass_place(codec, rejection.place);
  codec.text(rejection.reason, kText);
  codec.flag(rejection.ereject);
}

template <class Codec, class O>
void pass_outgoing(Codec& codec, O& outgoing, const Texts& texts) {
  pass_place(codec, outgoing.place);
  codec.number(outgoing.kind, static_cast<std::uint64_t>(sieve::Outgoing::Kind::kNotification));
  codec.text(outgoing.from, kWord);
  pass_texts(codec, outgoing.to, kMostItems, kWord);
  codec.text(outgoing.text, kLargeText);
  pass_optional(codec, outgoing.copy, [&](auto& copy) { pass_copy(codec, copy, texts); });
  pass_optional(codec, outgoing.mark, [&](auto& mark) { pass_mark(codec, mark); });
  codec.text(outgoing.withheld, kText);
}

template <class Codec, class A>
void pass_action(Codec& codec, A& action, const Texts& texts) {
  auto kind = action.index();
  codec.number(kind, std::variant_size_v<sieve::Action> - 1);
  if constexpr (kDecodes<Codec>) {
    if (kind == 1) action.template emplace<sieve::Redirect>();
    if (kind == 2) action.template emplace<sieve::Rejection>();
    if (kind == 3) action.template emplace<sieve::Outgoing>();
  }
  if (auto* copy = std::get_if<sieve::Copy>(&action)) pass_copy(codec, *copy, texts);
  if (auto* redirect = std::get_if<sieve::Redirect>(&action))
    pass_redirect(codec, *redirect, texts);
  if (auto* rejection = std::get_if<sieve::Rejection>(&action)) pass_rejection(codec, *rejection);
  if (auto* outgoing = std::get_if<sieve::Outgoing>(&action))
    pass_outgoing(codec, *outgoing, texts);
}

template <class Codec, class V>
void pass_verdict(Codec& codec, V& verdict) {
  Texts texts;
  if constexpr (kDecodes<Codec>) {
    std::vector<std::string> plain;
    pass_texts(codec, plain, kMostActions, kLargeText);
    for (auto& text : plain) texts.push_back(std::make_shared<const std::string>(std::move(text)));
  } else {
    texts = texts_of(verdict.plan);
    codec.number(texts.size(), kMostActions);
    for (const auto& text : texts) codec.text(*text, kLargeText);
  }
  pass_list(codec, verdict.plan.actions, kMostActions,
            [&](auto& action) { pass_action(codec, action, texts); });
  pass_list(codec, verdict.plan.marks, kMostItems, [&](auto& mark) { pass_mark(codec, mark); });
  codec.flag(verdict.plan.discarded);
  pass_place(codec, verdict.plan.discarded_by);
  pass_list(codec, verdict.faults, kMostItems, [&](auto& fault) {
    codec.text(fault.script, kPath);
    codec.number(fault.line, kAnyNumber);
    codec.text(fault.what, kText);
  });
  pass_optional(codec, verdict.error, [&](auto& error) { pass_error(codec, error); });
  pass_texts(codec, verdict.log, kMostItems, kText);
  codec.number(verdict.steps, kAnyNumber);
  codec.number(verdict.header_size, kAnyNumber);
}

template <class Pass>
Result<std::string> packed(char kind, std::size_t most, Pass pass) {
  Encoder encoder;
  pass(encoder);
  if (!encoder.fits() || encoder.size() >= most) return Error{EMSGSIZE, "run scripts", {}};
  return kind + encoder.take();
}

template <class T, class Pass>
std::optional<T> unpacked(std::string_view octets, Pass pass) {
  Decoder decoder(octets);
  std::optional<T> out(std::in_place);
  pass(decoder, *out);
  return decoder.good() ? std::move(out) : std::nullopt;
}

Error cut_to_fit(Error error) {
  error.what.resize(std::min(error.what.size(), kPath));
  error.path.resize(std::min(error.path.size(), kPath));
  return error;
}

}  // namespace

Result<std::string> pack(const Job& job) {
  return packed(kJob, kMostVerdict, [&](Encoder& encoder) { pass_job(encoder, job); });
}

Result<std::string> pack(const Question& question) {
  return packed(kQuestion, kMostQuestion,
                [&](Encoder& encoder) { pass_question(encoder, question); });
}

std::string pack(const Answer& answer) {
  auto fitting = answer;
  if (fitting.error) fitting.error = cut_to_fit(*fitting.error);
  if (fitting.text) fitting.text->resize(std::min(fitting.text->size(), kText));
  Encoder encoder;
  pass_answer(encoder, fitting);
  return kAnswer + encoder.take();
}

Result<std::string> pack(const Verdict& verdict) {
  return packed(kVerdict, kMostVerdict, [&](Encoder& encoder) { pass_verdict(encoder, verdict); });
}

std::optional<Job> unpack_job(std::string_view octets) {
  if (!octets.starts_with(kJob)) return std::nullopt;
  return unpacked<Job>(octets.substr(1), [](Decoder& from, Job& job) { pass_job(from, job); });
}

std::optional<Answer> unpack_answer(std::string_view octets) {
  if (!octets.starts_with(kAnswer)) return std::nullopt;
  return unpacked<Answer>(octets.substr(1),
                          [](Decoder& from, Answer& answer) { pass_answer(from, answer); });
}

FromFilter unpack_from_filter(std::string_view octets) {
  FromFilter out;
  if (octets.starts_with(kQuestion)) {
    out.question = unpacked<Question>(
        octets.substr(1), [](Decoder& from, Question& question) { pass_question(from, question); });
    if (out.question && out.question->kind < Question::Kind::kScript) out.question.reset();
  } else if (octets.starts_with(kVerdict)) {
    out.verdict = unpacked<Verdict>(
        octets.substr(1), [](Decoder& from, Verdict& verdict) { pass_verdict(from, verdict); });
    bool bad = out.verdict && out.verdict->error && out.verdict->error->code <= 0;
    if (bad) out.verdict.reset();
  }
  return out;
}

}  // namespace handoff::filter
