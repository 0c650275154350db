#include "sys/secrets.hh"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>
#include <vector>

#if defined(HAVE_MALLOC_USABLE_SIZE)
#if defined(__FreeBSD__)
#include <malloc_np.h>
#else
#include <malloc.h>
#endif
#endif

extern char** environ;

namespace {

bool freed_memory_is_erased = false;

// A compiler may leave out a memset() before free().
void overwrite(void* begin, std::size_t size) {
  auto* octet = static_cast<volatile char*>(begin);
  for (std::size_t i = 0; i < size; ++i) octet[i] = 0;
}

}  // namespace

#if defined(__SANITIZE_ADDRESS__)
#define HANDOFF_HAS_ASAN
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HANDOFF_HAS_ASAN
#endif
#endif

#if defined(HAVE_MALLOC_USABLE_SIZE) && !defined(HANDOFF_HAS_ASAN)
// Replaces the functions of the standard library (C++20, [new.delete.single]); those for arrays
// call these.
// Not inlined: GCC would take malloc() and free() for functions that do not belong together
// (GCC bug 103993).
[[gnu::noinline]] void* operator new(std::size_t size) {
  for (;;) {
    if (void* memory = std::malloc(std::max<std::size_t>(size, 1))) return memory;
    auto handler = std::get_new_handler();
    if (handler == nullptr) throw std::bad_alloc();
    handler();
  }
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
  if (freed_memory_is_erased && memory != nullptr) overwrite(memory, ::malloc_usable_size(memory));
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept {
  operator delete(memory);
}
#endif

namespace handoff::sys {

void erase_freed_memory(bool on) { freed_memory_is_erased = on; }

void erase(std::string& text) {
  overwrite(text.data(), text.size());
  text.clear();
}

bool is_of_database(std::string_view variable) {
  static constexpr std::string_view kNames[] = {"PG", "MYSQL_", "MARIADB_", "LDAP"};
  return std::ranges::any_of(kNames, [&](auto name) { return variable.starts_with(name); });
}

void erase_database_variables() {
  std::vector<std::string> names;
  for (char** each = environ; *each != nullptr; ++each) {
    std::string_view variable = *each;
    auto equals = variable.find('=');
    if (!is_of_database(variable) || equals == variable.npos) continue;
    names.emplace_back(variable.substr(0, equals));
    overwrite(*each + equals + 1, variable.size() - equals - 1);
  }
  for (const auto& name : names) ::unsetenv(name.c_str());
}

}  // namespace handoff::sys
