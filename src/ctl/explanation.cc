#include "ctl/explanation.hh"

#include "base/quantity.hh"
#include "base/text.hh"

namespace handoff::ctl {
namespace {

double in_seconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double>(time).count();
}

std::string amount(std::uint64_t used, std::uint64_t limit, const char* unit) {
  return std::to_string(used) + " of " + (limit == 0 ? "any number of" : std::to_string(limit)) +
         " " + unit;
}

std::string quota_text(const std::optional<spool::QuotaState>& quota) {
  if (!quota) return "unknown";
  if (!quota->limits.any()) return "none";
  if (!quota->use) return "not counted yet";
  return amount(quota->use->size, quota->limits.size, "octets") + ", " +
         amount(quota->use->messages, quota->limits.messages, "messages") +
         (quota->certain ? "" : ", to be counted again");
}

// null: no limit, or unknown.
std::string quota_json(const std::optional<spool::QuotaState>& quota) {
  auto limit = [&](std::uint64_t spool::QuotaLimits::*of) {
    return quota && quota->limits.*of != 0 ? std::to_string(quota->limits.*of) : "null";
  };
  auto use = [&](std::uint64_t spool::QuotaUse::*of) {
    return quota && quota->use ? std::to_string((*quota->use).*of) : "null";
  };
  return "\"quota_size\":" + limit(&spool::QuotaLimits::size) +
         ",\"quota_messages\":" + limit(&spool::QuotaLimits::messages) +
         ",\"used_size\":" + use(&spool::QuotaUse::size) +
         ",\"used_messages\":" + use(&spool::QuotaUse::messages);
}

std::string quoted(std::string_view text) { return "\"" + escape_json(text) + "\""; }
std::string quoted_or_null(std::string_view text) { return text.empty() ? "null" : quoted(text); }

std::string place_text(const Explanation::Place& place) {
  return place.mailbox + (place.exists ? "" : " (created with the first message)");
}

}  // namespace

std::string as_text(const Explanation& e) {
  std::string out;
  auto add = [&](std::string name, std::string_view value) {
    name.resize(12, ' ');
    out += name + std::string(value) + "\n";
  };
  add("address", escape(e.given));
  if (!e.parsed.empty()) add("parsed", escape(e.parsed));
  if (!e.folded.empty()) {
    add("folded", escape(e.folded) + (e.detail.empty() ? "" : ", detail " + escape(e.detail)));
  }
  if (!e.served) add("domain", "not in recipients.domains");
  for (const auto& step : e.steps) {
    add("lookup", step.lookup + " of " + escape(step.address) + " " + printable(step.answer) +
                      " (" + latency_text(1e6 * in_seconds(step.duration)) + ")");
  }
  if (e.backend) {
    add("backend", e.backend->host + ", asked for " + escape(e.backend->address) + " (" +
                       latency_text(1e6 * in_seconds(e.backend->duration)) + ")");
  }
  if (e.mailbox && !e.backend) {
    add("mailbox", e.place ? place_text(*e.place) : e.mailbox->name());
    add("folder", e.mailbox->folder.empty() ? "the inbox" : escape(e.mailbox->folder));
    add("owner", e.owner);
    add("quota", quota_text(e.quota));
  }
  if (e.place) {
    add("filesystem", e.place->filesystem + ", " +
                          (e.place->type.empty() ? "" : e.place->type + ", ") +
                          std::to_string(e.place->free_octets) + " octets free");
  }
  for (const auto& script : e.scripts)
    add("script", escape(script.path) + " (" + escape(script.state) + ")");
  if (!e.cause.empty()) add("cause", printable(e.cause));
  add("verdict", escape(e.verdict));
  return out;
}

std::string as_json(const Explanation& e) {
  std::string steps;
  for (const auto& step : e.steps) {
    steps += std::string(steps.empty() ? "" : ",") + "{\"lookup\":" + quoted(step.lookup) +
             ",\"address\":" + quoted(step.address) + ",\"answer\":" + quoted(step.answer) +
             ",\"seconds\":" + number_text(in_seconds(step.duration), 6) + "}";
  }
  std::string mailbox = "null";
  std::string backend = "null";
  if (e.backend) {
    backend = "{\"host\":" + quoted(e.backend->host) +
              ",\"address\":" + quoted(e.backend->address) +
              ",\"seconds\":" + number_text(in_seconds(e.backend->duration), 6) + "}";
  }
  if (e.mailbox && !e.backend) {
    mailbox = "{\"path\":" + quoted(e.place ? e.place->mailbox : e.mailbox->name()) +
              ",\"there\":" +
              (!e.place          ? "null"
               : e.place->exists ? "true"
                                 : "false") +
              ",\"folder\":" + quoted_or_null(e.mailbox->folder) +
              ",\"uid\":" + (e.mailbox->owner ? std::to_string(e.mailbox->owner->uid) : "null") +
              ",\"gid\":" + (e.mailbox->owner ? std::to_string(e.mailbox->owner->gid) : "null") +
              ",\"filesystem\":" + (e.place ? quoted(e.place->filesystem) : "null") +
              ",\"type\":" + (e.place ? quoted_or_null(e.place->type) : "null") +
              ",\"free\":" + (e.place ? std::to_string(e.place->free_octets) : "null") + "," +
              quota_json(e.quota) + ",\"error\":" + quoted_or_null(e.cause) + "}";
  }
  std::string scripts;
  for (const auto& script : e.scripts) {
    scripts += std::string(scripts.empty() ? "" : ",") + "{\"path\":" + quoted(script.path) +
               ",\"state\":" + quoted(script.state) + "}";
  }
  return "{\"address\":" + quoted(e.given) + ",\"parsed\":" + quoted_or_null(e.parsed) +
         ",\"folded\":" + quoted_or_null(e.folded) + ",\"detail\":" + quoted_or_null(e.detail) +
         ",\"served\":" + (e.served ? "true" : "false") + ",\"lookups\":[" + steps +
         "],\"backend\":" + backend + ",\"mailbox\":" + mailbox + ",\"scripts\":[" + scripts +
         "],\"code\":" + std::to_string(e.code) + ",\"cause\":" + quoted_or_null(e.cause) +
         ",\"verdict\":" + quoted(e.verdict) + "}\n";
}

}  // namespace handoff::ctl
