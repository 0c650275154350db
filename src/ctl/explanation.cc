#include "ctl/explanation.hh"

#include <array>
#include <cstdio>

#include "base/text.hh"

namespace handoff::ctl {
namespace {

std::string seconds(std::chrono::nanoseconds took) {
  std::array<char, 32> text;
  std::snprintf(text.data(), text.size(), "%.6f", std::chrono::duration<double>(took).count());
  return text.data();
}

std::string milliseconds(std::chrono::nanoseconds took) {
  std::array<char, 32> text;
  std::snprintf(text.data(), text.size(), "%.1f ms",
                std::chrono::duration<double, std::milli>(took).count());
  return text.data();
}

std::string amount(std::uint64_t used, std::uint64_t limit, const char* unit) {
  return std::to_string(used) + " of " + (limit == 0 ? "any number of" : std::to_string(limit)) +
         " " + unit;
}

std::string quota_text(const std::optional<spool::Standing>& quota) {
  if (!quota) return "cannot be told";
  if (!quota->limits.any()) return "none";
  if (!quota->use) return "to be counted";
  return amount(quota->use->size, quota->limits.size, "octets") + ", " +
         amount(quota->use->messages, quota->limits.messages, "messages") +
         (quota->certain ? "" : ", to be counted anew");
}

// No limit, or what is not known, is null.
std::string quota_json(const std::optional<spool::Standing>& quota) {
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

class Lines {
 public:
  void add(std::string name, std::string_view value) {
    name.resize(12, ' ');
    text_ += name + std::string(value) + "\n";
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

std::string place_text(const Explanation::Place& place) {
  return place.mailbox + (place.is_there ? "" : " (made with the first message)");
}

}  // namespace

std::string as_text(const Explanation& e) {
  Lines lines;
  lines.add("address", escape(e.given));
  if (!e.parsed.empty()) lines.add("parsed", escape(e.parsed));
  if (!e.folded.empty()) {
    lines.add("folded",
              escape(e.folded) + (e.detail.empty() ? "" : ", detail " + escape(e.detail)));
  }
  if (!e.served) lines.add("domain", "not in recipients.domains");
  for (const auto& step : e.steps) {
    lines.add("lookup", step.lookup + " of " + escape(step.address) + " " + escape(step.answer) +
                            " (" + milliseconds(step.took) + ")");
  }
  if (e.mailbox) {
    lines.add("mailbox", e.place ? place_text(*e.place) : e.mailbox->name());
    lines.add("folder", e.mailbox->folder.empty() ? "the inbox" : escape(e.mailbox->folder));
    lines.add("owner", e.owner);
    lines.add("quota", quota_text(e.quota));
  }
  if (e.place) {
    lines.add("filesystem", e.place->filesystem + ", " +
                                (e.place->type.empty() ? "" : e.place->type + ", ") +
                                std::to_string(e.place->free_octets) + " octets free");
  }
  if (!e.place_error.empty()) lines.add("filesystem", escape(e.place_error));
  lines.add("verdict", escape(e.verdict));
  return lines.take();
}

std::string as_json(const Explanation& e) {
  std::string steps;
  for (const auto& step : e.steps) {
    steps += std::string(steps.empty() ? "" : ",") + "{\"lookup\":" + quoted(step.lookup) +
             ",\"address\":" + quoted(step.address) + ",\"answer\":" + quoted(step.answer) +
             ",\"seconds\":" + seconds(step.took) + "}";
  }
  std::string mailbox = "null";
  if (e.mailbox) {
    mailbox = "{\"path\":" + quoted(e.place ? e.place->mailbox : e.mailbox->name()) +
              ",\"there\":" +
              (!e.place            ? "null"
               : e.place->is_there ? "true"
                                   : "false") +
              ",\"folder\":" + quoted_or_null(e.mailbox->folder) +
              ",\"uid\":" + (e.mailbox->owner ? std::to_string(e.mailbox->owner->uid) : "null") +
              ",\"gid\":" + (e.mailbox->owner ? std::to_string(e.mailbox->owner->gid) : "null") +
              ",\"filesystem\":" + (e.place ? quoted(e.place->filesystem) : "null") +
              ",\"type\":" + (e.place ? quoted_or_null(e.place->type) : "null") +
              ",\"free\":" + (e.place ? std::to_string(e.place->free_octets) : "null") + "," +
              quota_json(e.quota) + ",\"error\":" + quoted_or_null(e.place_error) + "}";
  }
  return "{\"address\":" + quoted(e.given) + ",\"parsed\":" + quoted_or_null(e.parsed) +
         ",\"folded\":" + quoted_or_null(e.folded) + ",\"detail\":" + quoted_or_null(e.detail) +
         ",\"served\":" + (e.served ? "true" : "false") + ",\"lookups\":[" + steps +
         "],\"mailbox\":" + mailbox + ",\"code\":" + std::to_string(e.code) +
         ",\"verdict\":" + quoted(e.verdict) + "}\n";
}

}  // namespace handoff::ctl
