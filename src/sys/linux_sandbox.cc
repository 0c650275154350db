#include "sys/linux_sandbox.hh"

#ifdef __linux__

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/sockios.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#ifdef HAVE_LIBSECCOMP
#include <seccomp.h>
#endif

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <system_error>

#include "base/text.hh"
#include "sys/fd.hh"

namespace handoff::sys {
namespace {

// --- Landlock (linux/landlock.h; older headers lack parts of it, so the values are here).

constexpr long kCreateRuleset = 444;
constexpr long kAddRule = 445;
constexpr long kRestrictSelf = 446;

struct RulesetAttributes {
  std::uint64_t files;
  std::uint64_t network;  // ABI 4
  std::uint64_t scoped;   // ABI 6
};
struct [[gnu::packed]] PathBeneath {
  std::uint64_t allowed;
  std::int32_t parent;
};
struct NetPort {
  std::uint64_t allowed;
  std::uint64_t port;
};

constexpr std::uint64_t kExecute = 1 << 0;
constexpr std::uint64_t kWriteFile = 1 << 1;
constexpr std::uint64_t kReadFile = 1 << 2;
constexpr std::uint64_t kReadDirectory = 1 << 3;
constexpr std::uint64_t kRemove = 1 << 4 | 1 << 5;  // directories, files
constexpr std::uint64_t kMakeDevice = 1 << 6 | 1 << 11;
constexpr std::uint64_t kMakeDirectory = 1 << 7;
constexpr std::uint64_t kMakeFile = 1 << 8;
constexpr std::uint64_t kMakeSpecial = 1 << 9 | 1 << 10 | 1 << 12;  // sockets, fifos, links
constexpr std::uint64_t kRefer = 1 << 13;                           // ABI 2
constexpr std::uint64_t kTruncate = 1 << 14;                        // ABI 3
constexpr std::uint64_t kIoctlDevice = 1 << 15;                     // ABI 5
constexpr std::uint64_t kBindTcp = 1 << 0;
constexpr std::uint64_t kConnectTcp = 1 << 1;
constexpr std::uint64_t kScopes = 1 << 0 | 1 << 1;  // abstract unix sockets, signals

constexpr std::uint64_t kRead = kReadFile | kReadDirectory;
constexpr std::uint64_t kReadWrite =
    kRead | kWriteFile | kRemove | kMakeDirectory | kMakeFile | kRefer | kTruncate;

// Returns the version of Landlock's interface; 0 if there is none. Version 1 forbids all links and
// renames between directories, which delivery needs.
[[maybe_unused]] int landlock_version() {
#ifdef SANITIZERS
  return 0;
#else
  long version = ::syscall(kCreateRuleset, nullptr, 0, 1);
  return version < 2 ? 0 : static_cast<int>(version);
#endif
}

// Paths that the libraries behind getpwnam(3), getaddrinfo(3), SASL and databases read.
constexpr const char* kLibraryPaths[] = {"/etc",         "/usr",        "/lib",     "/lib32",
                                         "/lib64",       "/run",        "/var/run", "/var/lib/sss",
                                         "/var/db",      "/var/cache",  "/opt",     "/proc/sys",
                                         "/dev/urandom", "/dev/random", "/dev/null"};
// Top-level directories of the system, in which no mailbox lies.
constexpr std::string_view kSystem[] = {"/bin",   "/boot",  "/dev",    "/etc",  "/lib",
                                        "/lib32", "/lib64", "/libx32", "/proc", "/root",
                                        "/run",   "/sbin",  "/sys",    "/usr",  "/lost+found"};

class Ruleset {
 public:
  Ruleset(const Needs& needs, int version) : needs_(needs), version_(version) {}

  Status enforce() {
    RulesetAttributes attributes{files(), 0, 0};
    if (version_ >= 4) attributes.network = network();
    if (version_ >= 6) attributes.scoped = kScopes;
    handled_ = attributes.files;
    ruleset_ = Fd(static_cast<int>(::syscall(kCreateRuleset, &attributes,
                                             version_ < 4   ? 8
                                             : version_ < 6 ? 16
                                                            : 24,
                                             0)));
    if (!ruleset_) return Error{errno, "landlock_create_ruleset", {}};
    ::fcntl(ruleset_.get(), F_SETFD, FD_CLOEXEC);
    if (auto allowed = allow(); !allowed) return allowed;
    if (::syscall(kRestrictSelf, ruleset_.get(), 0) != 0) {
      return Error{errno, "landlock_restrict_self", {}};
    }
    return {};
  }

 private:
  // A process that becomes the owners of mailboxes opens files anywhere, with their permissions.
  bool is_free() const { return needs_.other_users; }

  std::uint64_t files() const {
    std::uint64_t all = kMakeDevice | kMakeSpecial;
    if (!needs_.executes()) all |= kExecute;
    // Without kRefer no link or rename between directories would be allowed anywhere.
    all |= is_free() ? kRefer : kReadWrite;
    if (version_ < 3) all &= ~kTruncate;
    if (version_ >= 5 && !is_free()) all |= kIoctlDevice;
    return all;
  }
  std::uint64_t network() const { return kBindTcp | (needs_.tcp_ports ? kConnectTcp : 0); }

  Status allow() const {
    if (is_free()) {
      beneath("/", kRefer);
    } else {
      for (const auto& folder : needs_.folders) beneath(folder, kReadWrite);
      for (const auto& path : needs_.readable) beneath(path, kRead);
      if (needs_.mailboxes_anywhere) allow_mailboxes_anywhere();
      if (needs_.uses_libraries()) {
        for (const char* path : kLibraryPaths) beneath(path, kRead);
      }
      // The standard input of forked processes.
      if (needs_.processes || !needs_.programs.empty()) beneath("/dev/null", kRead | kWriteFile);
    }
    if (version_ < 4 || !needs_.tcp_ports) return {};
    for (auto port : *needs_.tcp_ports) {
      NetPort rule{kConnectTcp, port};
      if (::syscall(kAddRule, ruleset_.get(), 2, &rule, 0) != 0) {
        return Error{errno, "landlock_add_rule", std::to_string(port)};
      }
    }
    return {};
  }

  void allow_mailboxes_anywhere() const {
    std::error_code failure;
    for (const auto& entry : std::filesystem::directory_iterator("/", failure)) {
      auto path = entry.path().string();
      if (std::ranges::find(kSystem, path) == std::end(kSystem)) beneath(path, kReadWrite);
    }
  }

  // A path that does not exist, or that may not be opened, needs no permission.
  void beneath(const std::string& path, std::uint64_t rights) const {
    Fd fd(::open(path.c_str(), O_PATH | O_CLOEXEC));
    struct stat status;
    if (!fd || ::fstat(fd.get(), &status) != 0) return;
    if (!S_ISDIR(status.st_mode)) rights &= kReadFile | kWriteFile | kTruncate;
    PathBeneath rule{rights & handled_, fd.get()};
    static_cast<void>(::syscall(kAddRule, ruleset_.get(), 1, &rule, 0));
  }

  const Needs& needs_;
  int version_;
  std::uint64_t handled_ = 0;
  Fd ruleset_;
};

// --- seccomp: everything that is not listed fails, mostly with ENOSYS, which libraries interpret
// as an older kernel.

#ifdef HAVE_LIBSECCOMP

// Calls that every process makes.
constexpr const char* kBasic[] = {
    // open files
    "read", "write", "readv", "writev", "pread64", "pwrite64", "preadv", "pwritev", "lseek",
    "_llseek", "close", "close_range", "dup", "dup2", "dup3", "fcntl", "fcntl64", "flock", "fsync",
    "fdatasync", "sync_file_range", "sync_file_range2", "ftruncate", "ftruncate64", "fallocate",
    "fadvise64", "fadvise64_64", "sendfile", "sendfile64", "copy_file_range", "pipe", "pipe2",
    // names of files
    "open", "openat", "openat2", "fstat", "fstat64", "newfstatat", "fstatat64", "stat", "stat64",
    "lstat", "lstat64", "statx", "statfs", "statfs64", "fstatfs", "fstatfs64", "access",
    "faccessat", "faccessat2", "getdents", "getdents64", "readlink", "readlinkat", "getcwd", "link",
    "linkat", "rename", "renameat", "renameat2", "unlink", "unlinkat", "rmdir", "mkdir", "mkdirat",
    "fchmod", "fchown", "fchown32", "umask", "utimensat", "utimensat_time64",
    // memory
    "brk", "munmap", "mremap", "madvise", "msync", "membarrier", "mlock", "munlock",
    // time
    "clock_gettime", "clock_gettime64", "clock_getres", "clock_getres_time64", "clock_nanosleep",
    "clock_nanosleep_time64", "gettimeofday", "nanosleep", "time", "times", "alarm", "setitimer",
    // the process itself
    "getpid", "getppid", "gettid", "getuid", "getuid32", "geteuid", "geteuid32", "getgid",
    "getgid32", "getegid", "getegid32", "getgroups", "getgroups32", "getresuid", "getresuid32",
    "getresgid", "getresgid32", "getpgrp", "getpgid", "getsid", "getrlimit", "ugetrlimit",
    "getrusage", "uname", "sysinfo", "getrandom", "sched_yield", "sched_getaffinity", "getcpu",
    "futex", "futex_time64", "set_robust_list", "rseq", "set_tid_address", "restart_syscall",
    "exit", "exit_group", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "rt_sigpending",
    "rt_sigtimedwait", "rt_sigtimedwait_time64", "rt_sigsuspend", "sigaltstack", "sigreturn",
    // events, and sockets that are open
    "poll", "ppoll", "ppoll_time64", "select", "_newselect", "pselect6", "pselect6_time64",
    "epoll_create", "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "epoll_pwait2",
    "eventfd2", "accept", "accept4", "recv", "recvfrom", "recvmsg", "recvmmsg", "send", "sendto",
    "sendmsg", "sendmmsg", "getsockopt", "setsockopt", "getsockname", "getpeername", "shutdown"};
// Calls to create children, to wait for them and to kill them.
constexpr const char* kProcesses[] = {"fork",    "vfork", "wait4",   "waitid",
                                      "waitpid", "kill",  "setpgid", "setsid"};
// Calls to become another user, and to give files away.
constexpr const char* kOtherUsers[] = {
    "setuid",    "setuid32",    "setgid",    "setgid32",   "setgroups", "setgroups32",
    "setreuid",  "setreuid32",  "setregid",  "setregid32", "setresuid", "setresuid32",
    "setresgid", "setresgid32", "chown",     "chown32",    "fchown",    "fchown32",
    "fchownat",  "fchmodat",    "setrlimit", "prlimit64",  "capset"};
constexpr unsigned long kControls[] = {FIONREAD, FIONBIO,    FIOCLEX,         SIOCOUTQ,
                                       TCGETS,   TIOCGWINSZ, FS_IOC_GETFLAGS, FS_IOC_SETFLAGS};
#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#endif
constexpr int kProcessControls[] = {PR_SET_NAME,         PR_GET_NAME,     PR_SET_PDEATHSIG,
                                    PR_GET_PDEATHSIG,    PR_GET_DUMPABLE, PR_SET_NO_NEW_PRIVS,
                                    PR_GET_NO_NEW_PRIVS, PR_CAPBSET_READ, PR_SET_VMA};
constexpr std::uint64_t kNamespaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
                                      CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;

// SCMP_A0(SCMP_CMP_EQ, value) and similar macros omit a field, and clang warns about that.
constexpr scmp_arg_cmp equal(unsigned argument, scmp_datum_t value) {
  return {argument, SCMP_CMP_EQ, value, 0};
}

class Filter {
 public:
  explicit Filter(const Needs& needs)
      : needs_(needs), filter_(seccomp_init(SCMP_ACT_ERRNO(ENOSYS)), seccomp_release) {}

  Status enforce() {
    if (!filter_) return Error{ENOMEM, "seccomp_init", {}};
    for (const char* name : kBasic) allow(name);
    allow_memory();
    allow_sockets();
    allow_processes();
    for (auto request : kControls) allow("ioctl", {equal(1, request)});
    for (int option : kProcessControls) {
      allow("prctl", {equal(0, static_cast<scmp_datum_t>(option))});
    }
    allow("prctl", {equal(0, PR_SET_DUMPABLE), equal(1, 0)});
    allow("prlimit64", {equal(0, 0)});
    // glibc falls back to clone(2), whose flags can be checked.
    deny("clone3", ENOSYS);
    // Calls that an administrator would look for in a trace fail with EPERM instead of ENOSYS.
    for (const char* name : {"ptrace", "unshare", "setns", "keyctl", "add_key", "request_key",
                             "io_uring_setup", "bind", "listen", "process_vm_readv",
                             "process_vm_writev", "mount", "bpf", "userfaultfd", "personality"}) {
      deny(name, EPERM);
    }
    if (failed_ != 0) return Error{-failed_, "seccomp_rule_add", failed_name_};
    static_cast<void>(seccomp_attr_set(filter_.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2));
    if (int result = seccomp_load(filter_.get()); result != 0) {
      return Error{-result, "seccomp_load", {}};
    }
    return {};
  }

 private:
  // Memory is never both writable and executable, and what is mapped does not become executable.
  void allow_memory() {
    for (const char* name : {"mmap", "mmap2"}) {
      map(name, 0);
      map(name, PROT_WRITE);
      // dlopen(3) maps libraries.
      if (needs_.uses_libraries()) map(name, PROT_EXEC);
    }
    allow("mprotect", {SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)});
  }
  void map(const char* name, scmp_datum_t protection) {
    allow(name, {SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_WRITE | PROT_EXEC, protection)});
  }

  void allow_sockets() {
    bool inet = needs_.connects_inet || needs_.names;
    bool unix = needs_.connects_unix || needs_.names || needs_.accounts;
    allow("socketpair", {equal(0, AF_UNIX)});
    if (inet || unix || needs_.syslog) allow("connect");
    for (int family : {AF_INET, AF_INET6}) {
      if (inet) allow("socket", {equal(0, static_cast<scmp_datum_t>(family))});
    }
    if (unix) {
      allow("socket", {equal(0, AF_UNIX)});
    } else if (needs_.syslog) {
      // syslog(3) connects again after a restart of syslogd.
      allow("socket", {equal(0, AF_UNIX), SCMP_A1(SCMP_CMP_MASKED_EQ, 0xf, SOCK_DGRAM)});
    }
  }

  void allow_processes() {
    auto own = static_cast<scmp_datum_t>(::getpid());
    allow("tgkill", {equal(0, own)});  // raise(3)
    bool forks = needs_.processes || needs_.other_users || !needs_.programs.empty();
    if (forks) {
      for (const char* name : kProcesses) allow(name);
        // CLONE_* of namespaces; s390 swaps the first two arguments.
#if defined(__s390__)
      allow("clone", {SCMP_A1(SCMP_CMP_MASKED_EQ, kNamespaces, 0)});
#else
      allow("clone", {SCMP_A0(SCMP_CMP_MASKED_EQ, kNamespaces, 0)});
#endif
    } else {
      allow("kill", {equal(1, 0)});  // whether a process exists
    }
    if (needs_.executes()) allow("execve");
    if (needs_.other_users) {
      for (const char* name : kOtherUsers) allow(name);
    }
  }

  void allow(const char* name, std::initializer_list<scmp_arg_cmp> arguments = {}) {
    add(SCMP_ACT_ALLOW, name, arguments);
  }
  void deny(const char* name, std::uint32_t code) { add(SCMP_ACT_ERRNO(code), name, {}); }

  void add(std::uint32_t action, const char* name, std::initializer_list<scmp_arg_cmp> arguments) {
    int number = seccomp_syscall_resolve_name(name);
    if (number == __NR_SCMP_ERROR || failed_ != 0) return;  // unknown to this architecture
    int result = seccomp_rule_add_array(filter_.get(), action, number,
                                        static_cast<unsigned>(arguments.size()), arguments.begin());
    // EACCES: the rule would equal the default action.
    if (result == 0 || result == -EACCES || result == -EDOM) return;
    failed_ = result;
    failed_name_ = name;
  }

  const Needs& needs_;
  std::unique_ptr<void, void (*)(void*)> filter_;
  int failed_ = 0;
  std::string failed_name_;
};

#endif

// Returns whether getpwnam(3) may contact a server itself (nsswitch.conf(5)). The services listed
// here use files and unix sockets.
bool accounts_are_remote() {
  static constexpr std::string_view kLocal[] = {"files",      "compat",    "db",      "systemd",
                                                "sss",        "cache",     "winbind", "altfiles",
                                                "extrausers", "mymachines"};
  std::ifstream file("/etc/nsswitch.conf");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("passwd:") && !line.starts_with("group:")) continue;
    for (auto word : split(std::string_view(line).substr(line.find(':') + 1), ' ')) {
      if (auto service = trim(word); !service.empty() && is_alpha(service.front()) &&
                                     std::ranges::find(kLocal, service) == std::end(kLocal)) {
        return true;
      }
    }
  }
  return false;
}

// Also works in a process that already has a filter, from systemd or a container.
bool kernel_has_seccomp() { return ::prctl(PR_GET_SECCOMP, 0, 0, 0, 0) >= 0; }

// For a process that becomes other users; all others have already dropped theirs.
void drop_capabilities(bool other_users) {
  std::uint64_t kept = 0;
  if (other_users) {
    for (int one : {CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_FOWNER, CAP_KILL, CAP_SETGID, CAP_SETUID}) {
      kept |= std::uint64_t{1} << one;
    }
  }
  for (int one = 0; ::prctl(PR_CAPBSET_READ, one, 0, 0, 0) >= 0; ++one) {
    if ((kept >> one & 1) == 0) ::prctl(PR_CAPBSET_DROP, one, 0, 0, 0);
  }
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> now{};
  if (::syscall(SYS_capget, &header, now.data()) != 0) return;
  for (std::size_t i = 0; i < now.size(); ++i) {
    auto mask = static_cast<std::uint32_t>(kept >> (32 * i));
    now[i].permitted &= mask;
    now[i].effective = now[i].permitted;
    now[i].inheritable = 0;
  }
  static_cast<void>(::syscall(SYS_capset, &header, now.data()));
}

}  // namespace

Result<std::string> confine_on_linux(const Needs& wanted) {
  auto needs = wanted;
  if (needs.accounts && accounts_are_remote()) {
    needs.connects_inet = needs.names = true;
    needs.tcp_ports.reset();
  }
  drop_capabilities(needs.other_users);
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return Error{errno, "no_new_privs", {}};
#ifdef SANITIZERS
  static_cast<void>(kernel_has_seccomp());
  return std::string("no_new_privs");
#else
  // A program that it executes would be confined too, but we do not know what the program needs.
  if (needs.executes()) return std::string("no_new_privs");
  std::string by;
  if (int version = landlock_version(); version > 0) {
    if (auto done = Ruleset(needs, version).enforce(); !done) return done.error();
    by = "landlock " + std::to_string(version);
  }
#ifdef HAVE_LIBSECCOMP
  if (kernel_has_seccomp()) {
    if (auto done = Filter(needs).enforce(); !done) return done.error();
    by += by.empty() ? "seccomp" : " and seccomp";
  }
#endif
  return by.empty() ? "none" : by;
#endif
}

std::vector<std::string> missing_on_linux() {
  std::vector<std::string> missing;
#ifdef SANITIZERS
  missing.emplace_back("a build with sanitizers confines nothing");
#else
#ifndef HAVE_LIBSECCOMP
  missing.emplace_back("this build has no libseccomp: system calls are not filtered");
#endif
  if (!kernel_has_seccomp()) {
    missing.emplace_back("the kernel has no seccomp: system calls are not filtered");
  }
  int version = landlock_version();
  if (version == 0) {
    missing.emplace_back(
        "the kernel has no Landlock (5.19, enabled at boot): files are restricted by ownership "
        "only");
  } else if (version < 4) {
    missing.emplace_back("Landlock of this kernel (before 6.7) does not restrict TCP ports");
  } else if (version < 6) {
    missing.emplace_back("Landlock of this kernel (before 6.12) does not restrict signals");
  }
#endif
  return missing;
}

}  // namespace handoff::sys

#endif
