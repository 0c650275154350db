#include "sys/log.hh"

#include <limits.h>
#include <syslog.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string>

#include "base/text.hh"
#include "sys/clock.hh"

namespace handoff::sys {
namespace {

struct LevelRow {
  const char* name;
  int priority;
};
constexpr LevelRow kLevels[] = {
    {"error", LOG_ERR}, {"warning", LOG_WARNING}, {"info", LOG_INFO}, {"debug", LOG_DEBUG}};

// RFC 3164 4.1: 1,024 octets a packet, of which priority, date, host and tag take some.
constexpr std::size_t kSyslogLine = 900;
// Values up to this length are not shortened: ids, codes, times. The lower limits apply to lines
// that clients have filled with characters that must be escaped.
constexpr std::size_t kKept[] = {48, 24, 12};

// POSIX, write(): up to this length, writes of several processes to a pipe do not mix.
#ifdef PIPE_BUF
constexpr std::size_t kPipeWrite = PIPE_BUF;
#else
constexpr std::size_t kPipeWrite = _POSIX_PIPE_BUF;
#endif

// One write for whole lines, so that lines of several processes do not mix. Failure to log must not
// lose mail, and there is nowhere to report it.
void put(const std::string& lines) {
  [[maybe_unused]] auto ignored = ::write(STDERR_FILENO, lines.data(), lines.size());
}

// Returns whether the character needs neither quotes nor an escape in a line of text.
constexpr bool needs_none(char c) {
  return c > ' ' && c < '\x7f' && c != '=' && c != '"' && c != '\\';
}

// A table, because every octet of each line is checked.
constexpr auto kBare = [] {
  std::array<bool, 256> bare{};
  for (std::size_t octet = 0; octet < bare.size(); ++octet)
    bare[octet] = needs_none(static_cast<char>(octet));
  return bare;
}();

bool is_bare(char c) { return kBare[static_cast<unsigned char>(c)]; }

constexpr std::size_t kUsualLine = 512;  // octets; allocated at once for a line

const LevelRow& row(Level level) { return kLevels[static_cast<int>(level)]; }

}  // namespace

Log::Log(LogFormat format, Level level, int facility)
    : format_(format), level_(level), syslog_(true) {
  // LOG_NDELAY: the socket is opened before a sandbox or a full descriptor table could refuse it.
  ::openlog("handoffd", LOG_PID | LOG_NDELAY, facility);
}

void Log::write(Level level, std::string_view message, const Fields& fields) const {
  if (level == Level::kError && echo_) {
    put("handoffd: " + format_sentence(message, fields) + "\n");
  }
  if (level > level_) return;
  auto now = Steady::now();
  for (const auto& [left_out, lines] : limit_.suppressed(now)) {
    write_line(Level::kWarning, "lines left out", {{"message", left_out}, {"lines", lines}});
  }
  if (limit_.allows(message, now)) write_line(level, message, fields);
}

void Log::write_line(Level level, std::string_view message, const Fields& fields) const {
  bool json = format_ == LogFormat::kJson;
  auto line_of = [&](const Fields& of) {
    return json ? format_json(message, of) : format_text(message, of);
  };
  if (syslog_) {
    auto line = shortened(fields, kSyslogLine, line_of);
    if (json) line = "{" + line + "}";
    if (is_held()) {
      held_for_syslog_.push_back({row(level).priority, std::move(line)});
    } else {
      ::syslog(row(level).priority, "%s", line.c_str());
    }
    return;
  }
  auto line = line_of(fields);
  auto now = rfc3339_date(Wall::now());
  auto pid = std::to_string(own_pid());
  std::string out;
  if (json) {
    out = "{\"time\":\"" + now + "\",\"level\":\"" + row(level).name + "\",\"pid\":" + pid + "," +
          line + "}\n";
  } else {
    out = now + " handoffd[" + pid + "]: ";
    if (level <= Level::kWarning) out += std::string(row(level).name) + ": ";
    out += line + "\n";
  }
  if (!is_held()) return put(out);
  if (held_.size() + out.size() > kPipeWrite) flush_to_stderr();
  held_ += out;
}

void Log::flush_to_stderr() const {
  if (is_held() && !held_.empty()) put(held_);
  held_.clear();
}

void Log::flush_to_syslog() const {
  for (const auto& line : held_for_syslog_) {
    if (is_held()) ::syslog(line.priority, "%s", line.text.c_str());
  }
  held_for_syslog_.clear();
}

std::string format_text(std::string_view message, const Fields& fields) {
  std::string out;
  out.reserve(kUsualLine);
  out += message;
  for (const Field& field : fields) {
    if (field.value.empty()) continue;
    out += ' ';
    out += field.key;
    out += '=';
    if (std::ranges::all_of(field.value, is_bare)) {
      out += field.value;
    } else {
      out += '"' + escape(field.value) + '"';
    }
  }
  return out;
}

std::string format_sentence(std::string_view message, const Fields& fields) {
  std::string out(message);
  std::string others;
  for (const Field& field : fields) {
    if (field.key == "cause") {
      out += ": " + escape(field.value);
    } else if (!field.value.empty()) {
      others += (others.empty() ? " (" : ", ") + std::string(field.key) + " " + escape(field.value);
    }
  }
  return others.empty() ? out : out + others + ")";
}

std::string format_json(std::string_view message, const Fields& fields) {
  std::string out = "\"msg\":\"" + escape_json(message) + "\"";
  for (const Field& field : fields) {
    if (field.value.empty()) continue;
    out += ",\"" + std::string(field.key) + "\":\"" + escape_json(field.value) + "\"";
  }
  return out;
}

std::string shortened(Fields fields, std::size_t octets,
                      const std::function<std::string(const Fields&)>& line) {
  auto out = line(fields);
  for (auto kept : kKept) {
    while (out.size() >= octets) {
      auto longest = std::ranges::max_element(
          fields, {}, [](const Field& field) { return field.value.size(); });
      if (longest == fields.end() || longest->value.size() <= kept) break;
      longest->value =
          longest->value.substr(0, std::max(longest->value.size() / 2, kept - 3)) + "...";
      out = line(fields);
    }
  }
  return out;
}

int syslog_facility(std::string_view name) {
  if (name == "mail") return LOG_MAIL;
  if (name == "daemon") return LOG_DAEMON;
  if (name.size() == 6 && name.starts_with("local") && name[5] >= '0' && name[5] <= '7') {
    static constexpr int kLocal[] = {LOG_LOCAL0, LOG_LOCAL1, LOG_LOCAL2, LOG_LOCAL3,
                                     LOG_LOCAL4, LOG_LOCAL5, LOG_LOCAL6, LOG_LOCAL7};
    return kLocal[name[5] - '0'];
  }
  return -1;
}

}  // namespace handoff::sys
