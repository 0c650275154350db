// The questions that the engine asks its caller, because it accesses no files: included scripts,
// folders, earlier messages. A caller that cannot answer returns an Error; the message is then
// deferred (4xx), because a wrong guess could lose mail.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hh"

namespace handoff::sieve {

enum class ScriptPlace : std::uint8_t { kPersonal, kGlobal };

// A record of an event for a user, kept for some time so that the event does not happen twice.
struct Mark {
  enum class Kind : std::uint8_t { kDuplicate, kVacation };
  Kind kind = Kind::kDuplicate;
  std::string id;             // any octets; store a hash of it
  std::uint64_t seconds = 0;  // how long it is remembered
};

class Site {
 public:
  virtual ~Site() = default;
  // Returns the text of a script; nothing if there is none of that name. `name` is a valid name of
  // RFC 6609 3.2 without a slash.
  virtual Result<std::optional<std::string>> script(ScriptPlace place, std::string_view name) = 0;
  // Returns whether a message can be stored in the folder (RFC 5490 3.1). `folder` is UTF-8.
  virtual Result<bool> folder_exists(std::string_view folder) = 0;
  // Returns whether the folder, or any if `folder` is empty, has the special use, such as "\Junk"
  // (RFC 8579).
  virtual Result<bool> special_use_exists(std::string_view folder, std::string_view use) = 0;
  // Returns whether the mark was set before and has not expired. Must not set it: the execution of
  // the plan does that.
  virtual Result<bool> seen(const Mark& mark) = 0;
  // Returns an item of RFC 5183 that Facts does not have, such as "vnd.dovecot.config.NAME".
  virtual Result<std::optional<std::string>> environment(std::string_view item) = 0;
};

}  // namespace handoff::sieve
