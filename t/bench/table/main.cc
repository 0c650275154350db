// table: measures how long it takes to turn the file of recipients.lookup = file: into a table, as
// at a reload. Prints one line of JSON.
#include <sys/resource.h>

#include <chrono>
#include <cstdio>

#include "arguments.hh"
#include "recipients/kinds.hh"
#include "recipients/resolver.hh"
#include "recipients/table.hh"

namespace handoff::bench {
namespace {

constexpr const char* kUsage = "usage: table --file PATH\n";

double seconds(const ::timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

int run(int argc, char** argv) {
  Arguments arguments(argc, argv, {{"file", ""}}, kUsage);
  const auto& path = arguments.text("file");
  if (path.empty()) Arguments::die(kUsage);
  auto begun = std::chrono::steady_clock::now();
  auto lookup = recipients::parse_lookup("file:" + path);
  if (!lookup) Arguments::die(lookup.error().describe());
  auto tables = recipients::load_tables(
      {lookup.value()}, recipients::fold_whole({"mx.example", "example.org", "+", true}));
  if (!tables) Arguments::die(tables.error().describe());
  std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  ::rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  std::printf("{\"seconds\": %.3f, \"cpu\": %.3f, \"lines\": %zu}\n", took.count(),
              seconds(used.ru_utime) + seconds(used.ru_stime), tables.value().at(path)->size());
  return EX_OK;
}

}  // namespace
}  // namespace handoff::bench

int main(int argc, char** argv) { return handoff::bench::run(argc, argv); }
