// environment (RFC 5183), with the items of vnd.dovecot.environment.
#include "sieve/environment.hh"
#include "base/text.hh"
#include "config.h"
#include "sieve/kinds.hh"
#include "sieve/run.hh"

namespace handoff::sieve {
namespace {

std::string domain_of(std::string_view host) {
  auto dot = host.find('.');
  return std::string(dot == std::string_view::npos ? std::string_view() : host.substr(dot + 1));
}

bool environment(Run& run, const Call& call) {
  auto value = environment_item(run, run.string(call.arguments[0]));
  if (run.failed()) return false;
  // RFC 5183 4: a test of an unknown item is false, whatever its keys are.
  if (!value) return run.match(call, {}, call.arguments[1]) && false;
  return run.match(call, {*value}, call.arguments[1]);
}

constexpr Kind kEnvironmentKinds[] = {
    {.name = "environment",
     .extension = "environment|vnd.dovecot.environment",
     .arguments = "sS",
     .tags = kMatchTags,
     .test = environment},
};

}  // namespace

std::optional<std::string> environment_item(Run& run, std::string_view name) {
  const auto& facts = run.facts();
  if (iequals(name, "domain")) return domain_of(facts.host);
  if (iequals(name, "host")) return facts.host;
  if (iequals(name, "location")) return "MDA";
  if (iequals(name, "phase")) return "during";
  if (iequals(name, "name")) return "handoff";
  if (iequals(name, "version")) return PACKAGE_VERSION;
  if (iequals(name, "vnd.dovecot.default-mailbox")) return facts.folder;
  if (iequals(name, "vnd.dovecot.username")) return facts.user;
  if (!run.may_ask()) return std::nullopt;
  auto value = run.site().environment(name);
  if (value) return std::move(value).value();
  run.fail(value.error());
  return std::nullopt;
}

std::span<const Kind> environment_kinds() { return kEnvironmentKinds; }

}  // namespace handoff::sieve
