// The log: a constant message and key=value fields, to syslog or standard error, as text or JSON.
// Values may come from anywhere and are escaped here; a line never contains a control character.
#pragma once

#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "sys/log_limit.hh"
#include "sys/process.hh"

namespace handoff::sys {

enum class Level { kError, kWarning, kInfo, kDebug };
enum class LogFormat { kText, kJson };

struct Field {
  std::string_view key;
  std::string value;

  Field(std::string_view k, std::string v) : key(k), value(std::move(v)) {}
  Field(std::string_view k, std::string_view v) : key(k), value(v) {}
  Field(std::string_view k, const char* v) : key(k), value(v) {}
  template <class T>
  requires std::is_arithmetic_v<T> Field(std::string_view k, T v)
      : key(k), value(std::to_string(v)) {}
};
using Fields = std::vector<Field>;

class Log {
 public:
  // To standard error.
  Log(LogFormat format, Level level) : format_(format), level_(level) {}
  // To syslog; `facility` is a LOG_… value.
  Log(LogFormat format, Level level, int facility);

  // Until the server has started, errors for syslog also go to standard error, where the person who
  // starts it can read them: "handoffd: cannot start: bind unix:/run/s: Address already in use".
  void echo_errors(bool echo) const { echo_ = echo && syslog_; }

  // Writes one line if `level` is enabled and there were not too many with this message just now
  // (log_limit.hh); a later line says how many were left out. Ignores failure: mail is delivered
  // without a log. May block if standard error or the syslog socket does.
  void write(Level level, std::string_view message, const Fields& fields = {}) const;
  void error(std::string_view m, const Fields& f = {}) const { write(Level::kError, m, f); }
  void warning(std::string_view m, const Fields& f = {}) const { write(Level::kWarning, m, f); }
  void info(std::string_view m, const Fields& f = {}) const { write(Level::kInfo, m, f); }
  void debug(std::string_view m, const Fields& f = {}) const { write(Level::kDebug, m, f); }

  // While the object exists, lines of this process are held. Those for standard error are written
  // together: at flush(), when more would not stay whole in a pipe, or at the end. Those for
  // syslog, which may be slow, are written at the end; they are lost if the process dies.
  class Together {
   public:
    explicit Together(const Log& log) : log_(log) { log_.holder_ = own_pid(); }
    ~Together() {
      flush();
      log_.flush_to_syslog();
      log_.holder_ = 0;
    }
    Together(const Together&) = delete;
    Together& operator=(const Together&) = delete;
    void flush() { log_.flush_to_stderr(); }

   private:
    const Log& log_;
  };

 private:
  struct SyslogLine {
    int priority;
    std::string text;
  };

  void write_line(Level level, std::string_view message, const Fields& fields) const;
  bool is_held() const { return holder_ == own_pid(); }
  void flush_to_stderr() const;
  void flush_to_syslog() const;

  LogFormat format_;
  Level level_;
  bool syslog_ = false;
  mutable bool echo_ = false;
  mutable pid_t holder_ = 0;  // the process whose lines are held; children write at once
  mutable LogLimit limit_;
  mutable std::string held_;
  mutable std::vector<SyslogLine> held_for_syslog_;
};

// Returns the line without time and process: `delivered id=… to=<…>` or the members of a JSON
// object. Omits fields without a value.
std::string format_text(std::string_view message, const Fields& fields);
std::string format_json(std::string_view message, const Fields& fields);

// For a person: the message, its cause, and the other fields in parentheses.
std::string format_sentence(std::string_view message, const Fields& fields);

// `line(fields)` in less than `octets`. Shortens the longest values if necessary, so that no field
// is lost if a syslog truncates the line.
std::string shortened(Fields fields, std::size_t octets,
                      const std::function<std::string(const Fields&)>& line);

// "mail", "daemon", "local0" to "local7" -> LOG_…; -1 for others.
int syslog_facility(std::string_view name);

}  // namespace handoff::sys
