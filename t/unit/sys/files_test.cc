// The filesystem interface on a real directory, which it never leaves (R2).
#include "sys/files.hh"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <cerrno>
#include <cstdio>
#include <filesystem>

#include "in_child.hh"
#include "temporary_directory.hh"

#ifdef HAVE_OPENAT2
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <cstddef>
#endif

using namespace handoff;
using namespace handoff::sys;

namespace {

struct Place {
  TemporaryDirectory outside;
  TemporaryDirectory inside;
  Files files;
  Fd root = files.open_root(inside.path()).value();
};

// Returns 0 or the errno.
template <class T>
int code(const Result<T>& result) {
  return result ? 0 : result.error().code;
}

// Tries every kind of name that could lead out of a tree; returns the names and their results.
std::string tried_ways_out(const std::string& inside, const std::string& outside) {
  Files files;
  auto root = files.open_root(inside).value();
  std::string said;
  const std::string nul("a\0b", 3);
  for (const std::string& path : {std::string("a"),
                                  std::string("a/b"),
                                  std::string(".."),
                                  std::string("../x"),
                                  std::string("a/.."),
                                  std::string("a/../a"),
                                  std::string("a/../../x"),
                                  std::string("."),
                                  std::string("./a"),
                                  std::string(""),
                                  std::string("/"),
                                  outside,
                                  "/" + inside,
                                  std::string("a/"),
                                  std::string("a//b"),
                                  std::string("out"),
                                  std::string("out/secret"),
                                  std::string("up"),
                                  std::string("in"),
                                  std::string("a/out"),
                                  std::string("a/in/b"),
                                  std::string("dangling"),
                                  std::string("file"),
                                  std::string("file/a"),
                                  std::string("none"),
                                  std::string("none/a"),
                                  nul,
                                  std::string("a\0/../..", 8)}) {
    said += std::to_string(code(files.open_directory(root, path))) + " ";
  }
  return said;
}

std::string codes(std::initializer_list<int> list) {
  std::string out;
  for (int each : list) out += std::to_string(each) + " ";
  return out;
}

std::string ways_out_expected() {
  return codes({0,     0,     EXDEV,   EXDEV,   EXDEV,  EXDEV,  EXDEV, EXDEV, EXDEV, EXDEV,
                EXDEV, EXDEV, EXDEV,   EXDEV,   EXDEV,  ELOOP,  ELOOP, ELOOP, ELOOP, ELOOP,
                ELOOP, ELOOP, ENOTDIR, ENOTDIR, ENOENT, ENOENT, EXDEV, EXDEV});
}

void plant_ways_out(const Place& place) {
  place.outside.make("secret");
  place.inside.make("a/b");
  place.inside.write("file", "x");
  place.inside.link(place.outside.path(), "out");
  place.inside.link("..", "up");
  place.inside.link("a", "in");
  place.inside.link(place.outside.path(), "a/out");
  place.inside.link("../a", "a/in");
  place.inside.link("nowhere", "dangling");
}

}  // namespace

BOOST_AUTO_TEST_SUITE(sys_files)

BOOST_AUTO_TEST_CASE(no_path_of_a_directory_leads_out_of_the_root_R2) {
  Place place;
  plant_ways_out(place);
  BOOST_TEST(tried_ways_out(place.inside.path(), place.outside.path()) == ways_out_expected());
}

#ifdef HAVE_OPENAT2
BOOST_AUTO_TEST_CASE(without_openat2_the_results_are_the_same_R2) {
  Place place;
  plant_ways_out(place);
  auto said = in_child([&]() -> std::string {
    // The kernel returns ENOSYS, like kernels before 5.6.
    sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    sock_fprog program{4, filter};
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
      return "no filter";
    }
    return tried_ways_out(place.inside.path(), place.outside.path());
  });
  if (said == "no filter") {
    BOOST_TEST_MESSAGE("this system lets nobody filter system calls");
    return;
  }
  BOOST_TEST(said == ways_out_expected());
}
#endif

BOOST_AUTO_TEST_CASE(calls_for_a_name_refuse_a_path_R2) {
  Place place;
  plant_ways_out(place);
  auto& [outside, inside, files, root] = place;
  inside.write("source", "x");
  for (const std::string& name :
       {std::string("../new"), std::string("a/new"), std::string(".."), std::string("."),
        std::string(""), outside.path("new"), std::string("out/new"), std::string("n\0w", 3)}) {
    BOOST_TEST_CONTEXT("name " << name) {
      BOOST_TEST(code(files.make_directory(root, name, 0700)) == EXDEV);
      BOOST_TEST(code(files.create(root, name, 0600)) == EXDEV);
      BOOST_TEST(code(files.open_file(root, name)) == EXDEV);
      BOOST_TEST(code(files.link(root, "source", root, name)) == EXDEV);
      BOOST_TEST(code(files.link(root, name, root, "target")) == EXDEV);
      BOOST_TEST(code(files.unlink(root, name)) == EXDEV);
      BOOST_TEST(code(files.info_at(root, name)) == EXDEV);
    }
  }
  BOOST_TEST(outside.names("") == std::set<std::string>{"secret"});
}

BOOST_AUTO_TEST_CASE(no_call_follows_a_symbolic_link_R2) {
  Place place;
  auto& [outside, inside, files, root] = place;
  outside.write("victim", "kept");
  inside.link(outside.path("victim"), "link");
  inside.link(outside.path("made"), "dangling");
  BOOST_TEST(code(files.open_file(root, "link")) == ELOOP);
  BOOST_TEST(code(files.create(root, "link", 0600)) == EEXIST);
  BOOST_TEST(code(files.create(root, "dangling", 0600)) == EEXIST);
  BOOST_TEST(code(files.make_directory(root, "dangling", 0700)) == EEXIST);
  BOOST_TEST(!files.info_at(root, "link").value().is_regular);
  // A hard link to a symbolic link is another symbolic link; the link count of the target does not
  // change.
  BOOST_TEST(code(files.link(root, "link", root, "second")) == 0);
  BOOST_TEST(std::filesystem::is_symlink(inside.path("second")));
  BOOST_TEST(std::filesystem::hard_link_count(outside.path("victim")) == 1u);
  BOOST_TEST(code(files.unlink(root, "link")) == 0);
  BOOST_TEST(outside.read("victim") == "kept");
  BOOST_TEST(!outside.has("made"));
}

BOOST_AUTO_TEST_CASE(the_root_itself_may_be_reached_through_a_symbolic_link) {
  Place place;
  place.outside.link(place.inside.path(), "spool");
  BOOST_TEST(code(place.files.open_root(place.outside.path("spool"))) == 0);
  BOOST_TEST(code(place.files.open_root(place.outside.path("none"))) == ENOENT);
}

BOOST_AUTO_TEST_CASE(written_content_is_read_back) {
  Place place;
  auto& [outside, inside, files, root] = place;
  std::string content(300000, 'x');
  content[150000] = '\0';
  auto file = files.create(root, "file", 0600).value();
  BOOST_TEST(code(files.write(file, content)) == 0);
  BOOST_TEST(code(files.write(file, "")) == 0);
  BOOST_TEST(code(files.sync_data(file)) == 0);
  BOOST_TEST(code(files.close(std::move(file))) == 0);
  BOOST_TEST(code(files.sync_directory(root)) == 0);
  BOOST_TEST((inside.read("file") == content));
  BOOST_TEST(inside.mode("file") == 0600u);

  auto again = files.open_file(root, "file").value();
  std::string back(content.size(), ' ');
  BOOST_TEST(files.read_at(again, 0, back.data(), back.size()).value() == content.size());
  BOOST_TEST((back == content));
  BOOST_TEST(files.read_at(again, 149999, back.data(), 2).value() == 2u);
  BOOST_TEST((back.substr(0, 2) == std::string("x\0", 2)));
  BOOST_TEST(files.read_at(again, content.size(), back.data(), 10).value() == 0u);
  BOOST_TEST(code(files.write(again, "x")) == EBADF);
}

BOOST_AUTO_TEST_CASE(an_existing_name_is_EEXIST) {
  Place place;
  auto& [outside, inside, files, root] = place;
  inside.write("taken", "old");
  inside.write("source", "new");
  BOOST_TEST(code(files.create(root, "taken", 0600)) == EEXIST);
  BOOST_TEST(code(files.link(root, "source", root, "taken")) == EEXIST);
  BOOST_TEST(code(files.make_directory(root, "taken", 0700)) == EEXIST);
  BOOST_TEST(inside.read("taken") == "old");
}

BOOST_AUTO_TEST_CASE(a_hard_link_is_the_same_file) {
  Place place;
  auto& [outside, inside, files, root] = place;
  inside.make("new");
  inside.write("source", "mail");
  auto to = files.open_directory(root, "new").value();
  BOOST_TEST(code(files.link(root, "source", to, "name")) == 0);
  auto one = files.info_at(root, "source").value();
  auto two = files.info_at(to, "name").value();
  BOOST_TEST(one.inode == two.inode);
  BOOST_TEST(one.device == two.device);
  BOOST_TEST(std::filesystem::hard_link_count(inside.path("new/name")) == 2u);
  BOOST_TEST(code(files.unlink(root, "source")) == 0);
  BOOST_TEST(code(files.unlink(root, "source")) == ENOENT);
  BOOST_TEST(inside.read("new/name") == "mail");
}

BOOST_AUTO_TEST_CASE(info_reports_the_kind_of_a_file) {
  Place place;
  auto& [outside, inside, files, root] = place;
  inside.make("directory");
  inside.write("file", "12345");
  auto before = std::chrono::system_clock::now() - std::chrono::minutes(1);
  auto file = files.info_at(root, "file").value();
  BOOST_TEST(file.is_regular);
  BOOST_TEST(!file.is_directory);
  BOOST_TEST(file.size == 5u);
  BOOST_TEST(file.owner == ::geteuid());
  BOOST_TEST((file.modified > before));
  auto directory = files.info_at(root, "directory").value();
  BOOST_TEST(directory.is_directory);
  BOOST_TEST(!directory.is_regular);
  auto opened = files.info(root).value();
  BOOST_TEST(opened.is_directory);
  BOOST_TEST(opened.mode == 0700u);
  if (opened.born) BOOST_TEST((*opened.born > before));
  BOOST_TEST(code(files.info_at(root, "none")) == ENOENT);
}

BOOST_AUTO_TEST_CASE(a_directory_can_be_listed_repeatedly) {
  Place place;
  auto& [outside, inside, files, root] = place;
  BOOST_TEST(files.list(root).value().empty());
  for (int i = 0; i < 300; ++i) inside.write("file" + std::to_string(i), "");
  inside.write(".hidden", "");
  BOOST_TEST(files.list(root).value().size() == 301u);
  BOOST_TEST(files.list(root).value().size() == 301u);
}

BOOST_AUTO_TEST_CASE(a_fifo_in_place_of_a_file_does_not_block_the_call) {
  Place place;
  BOOST_TEST(::mkfifo(place.inside.path("fifo").c_str(), 0600) == 0);
  BOOST_TEST(code(place.files.open_file(place.root, "fifo")) == 0);
  BOOST_TEST(code(place.files.open_directory(place.root, "fifo")) == ENOTDIR);
}

BOOST_AUTO_TEST_CASE(no_descriptor_outlives_an_exec) {
  Place place;
  auto& [outside, inside, files, root] = place;
  inside.make("a/b");
  auto directory = files.open_directory(root, "a/b").value();
  auto created = files.create(root, "file", 0600).value();
  auto opened = files.open_file(root, "file").value();
  for (const Fd* fd : {&root, &directory, &created, &opened}) {
    BOOST_TEST((::fcntl(fd->get(), F_GETFD) & FD_CLOEXEC) != 0);
  }
}

BOOST_AUTO_TEST_CASE(lack_of_space_is_reported) {
  Place place;
  auto space = place.files.space(place.root).value();
  BOOST_TEST(space.total_octets >= space.free_octets);
  BOOST_TEST(space.total_octets > 0u);
}

BOOST_AUTO_TEST_CASE(errors_carry_errno_operation_and_name) {
  Place place;
  auto opened = place.files.open_directory(place.root, "example.org/pat/new");
  BOOST_TEST(opened.error().code == ENOENT);
  BOOST_TEST(opened.error().describe() == "open example.org/pat/new: No such file or directory");
  Fd closed;
  BOOST_TEST(code(place.files.write(closed, "x")) == EBADF);
  BOOST_TEST(code(place.files.sync_data(closed)) == EBADF);
  BOOST_TEST(code(place.files.sync_directory(closed)) == EBADF);
  BOOST_TEST(code(place.files.close(Fd())) == EBADF);
  BOOST_TEST(code(place.files.list(closed)) == EBADF);
  BOOST_TEST(code(place.files.space(closed)) == EBADF);
  BOOST_TEST(code(place.files.info(closed)) == EBADF);
}

// The folder belongs to a worker that an attacker controls. The attacker replaces each directory
// that root creates there by a user's mailbox.
BOOST_AUTO_TEST_CASE(only_the_created_directory_is_given_to_another_user) {
  if (::geteuid() != 0) return;  // only root can change the owner of a directory
  constexpr uid_t kWorker = 61000, kVictim = 61001, kOwner = 61002;
  Place place;
  auto& [outside, inside, files, root] = place;
  BOOST_REQUIRE(::fchown(root.get(), kWorker, kWorker) == 0);
  inside.make("victim/new");  // an empty directory, which its parent's owner may remove anyway
  BOOST_REQUIRE(::chown((inside.path() + "/victim").c_str(), kVictim, kVictim) == 0);
  auto folder = inside.path();
  pid_t attacker = ::fork();
  if (attacker == 0) {
    if (::chdir(folder.c_str()) != 0 || ::setgid(kWorker) != 0 || ::setuid(kWorker) != 0) _exit(1);
    for (;;) {
      DIR* entries = ::opendir(".");
      while (const dirent* entry = ::readdir(entries)) {
        std::string name = entry->d_name;
        if (!name.starts_with(".new.")) continue;
        if (::rename(name.c_str(), "moved") == 0 && ::rename("victim", name.c_str()) == 0) {
          ::usleep(500);
          ::rename(name.c_str(), "victim");
        }
        ::rmdir("moved");
      }
      ::closedir(entries);
    }
  }
  for (int i = 0; i < 3000; ++i) {
    static_cast<void>(files.make_directory_of(root, "mailbox", kOwner, kOwner, 0700).ok());
    ::unlinkat(root.get(), "mailbox", AT_REMOVEDIR);
  }
  ::kill(attacker, SIGKILL);
  ::waitpid(attacker, nullptr, 0);
  unsigned victims = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    struct stat status;
    if (::lstat(entry.path().c_str(), &status) == 0 && status.st_uid == kVictim) ++victims;
  }
  BOOST_TEST(victims == 1u);
}

BOOST_AUTO_TEST_SUITE_END()
