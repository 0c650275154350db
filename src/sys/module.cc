#include "sys/module.hh"

#include <dlfcn.h>
#include <unistd.h>
#if defined(__FreeBSD__) || defined(__DragonFly__)
#include <sys/types.h>
// Requires the include above.
#include <sys/sysctl.h>
#endif

#include <array>
#include <climits>

namespace handoff::sys {
namespace {

// dlerror() returns its message once.
Error linker_error() {
  const char* words = ::dlerror();
  return explained(ENOTSUP, words == nullptr ? "dlopen" : words);
}

std::string program_file() {
  std::array<char, PATH_MAX> path;
#if defined(__FreeBSD__) || defined(__DragonFly__)
  std::array<int, 4> name{CTL_KERN, KERN_PROC, KERN_PROC_PATHNAME, -1};
  auto size = path.size();
  if (::sysctl(name.data(), name.size(), path.data(), &size, nullptr, 0) == 0) return path.data();
#endif
  for (const char* link : {"/proc/self/exe", "/proc/curproc/exe"}) {  // Linux, NetBSD
    auto size = ::readlink(link, path.data(), path.size());
    if (size > 0) return {path.data(), static_cast<std::size_t>(size)};
  }
  return {};
}

}  // namespace

std::string program_folder() {
  auto file = program_file();
  return file.substr(0, file.rfind('/') == file.npos ? 0 : file.rfind('/'));
}

Result<void*> open_module(const std::string& path, const char* symbol) {
  if (::access(path.c_str(), R_OK) != 0) return Error{errno, "open", path};
  void* object = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (object == nullptr) return linker_error();
  void* address = ::dlsym(object, symbol);
  if (address == nullptr) return linker_error();
  return address;
}

}  // namespace handoff::sys
