#include "sys/title.hh"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string>

#include "base/text.hh"

#if defined(HAVE_SETPROCTITLE) || defined(HAVE_SETPROCTITLE_FAST)
#include <sys/types.h>
#endif

extern char** environ;

namespace handoff::sys {

#if defined(HAVE_SETPROCTITLE_FAST)

void make_room_for_title(int, char**) {}
// FreeBSD: writes to shared memory.
void set_title(std::string_view what) {
  std::string text(what);
  std::ranges::replace_if(text, is_control, '?');
  ::setproctitle_fast("%s", text.c_str());
}

#elif defined(HAVE_SETPROCTITLE)

void make_room_for_title(int, char**) {}
void set_title(std::string_view what) {
  std::string text(what);
  std::ranges::replace_if(text, is_control, '?');
  ::setproctitle("%s", text.c_str());
}

#else

namespace {

// There is one for the whole process, because the kernel knows only one place.
struct Room {
  char* begin = nullptr;
  std::size_t size = 0;  // octets
  std::size_t used = 0;  // of the longest title so far, or all of it before the first
  // The copied strings of the environment. Never freed, because any of them may be
  // in use; this pointer keeps those that are unset reachable for LeakSanitizer.
  char* variables = nullptr;
};
Room title_room;

}  // namespace

// The kernel puts the strings of argv and envp one after the other. /proc/PID/cmdline shows what is
// there; if the octet that ended the arguments is not 0 any more, it goes on to the next 0.
void make_room_for_title(int argc, char** argv) {
  if (argc == 0) return;
  char* end = argv[0];
  auto follows = [&](char* text) {
    if (text == end) end = text + std::strlen(text) + 1;
  };
  for (int i = 0; i < argc; ++i) follows(argv[i]);
  std::size_t count = 0;
  std::size_t octets = 0;
  for (; environ[count] != nullptr; ++count) {
    follows(environ[count]);
    octets += std::strlen(environ[count]) + 1;
  }
  auto** copy = static_cast<char**>(std::calloc(count + 1, sizeof(char*)));
  auto* strings = static_cast<char*>(std::malloc(octets + 1));
  if (copy == nullptr || strings == nullptr) return;
  auto* at = strings;
  for (std::size_t i = 0; i < count; ++i) {
    auto size = std::strlen(environ[i]) + 1;
    copy[i] = static_cast<char*>(std::memcpy(at, environ[i], size));
    at += size;
  }
  environ = copy;
  auto size = static_cast<std::size_t>(end - argv[0]);
  title_room = {argv[0], size, size, strings};
}

void set_title(std::string_view what) {
  if (title_room.size == 0) return;
  constexpr std::string_view kPrefix = "handoffd: ";
  auto most = title_room.size - 1;
  auto name = kPrefix.substr(0, most);
  what = what.substr(0, most - name.size());
  std::memcpy(title_room.begin, name.data(), name.size());
  char* at = title_room.begin + name.size();
  for (char c : what) *at++ = is_control(c) ? '?' : c;
  auto length = name.size() + what.size();
  if (title_room.used > length) std::memset(at, 0, title_room.used - length);
  title_room.used = length;
}

#endif

}  // namespace handoff::sys
