// scan: measures in memory how fast content is scanned for dots and line ends, and how fast line
// ends are converted. The octets come from one buffer, as from a socket. Prints one line of JSON.
#include <chrono>
#include <cstdio>

#include "arguments.hh"
#include "lmtp/data_reader.hh"
#include "spool/newline.hh"

namespace handoff::bench {
namespace {

constexpr const char* kUsage = "usage: scan [--line 76] [--buffer 65536] [--mib 4096]\n";

// Calls `once(buffer)` until `octets` have gone through it; returns the speed in 10^9 octets per
// second.
template <class Once>
double speed(const std::string& buffer, std::uint64_t octets, Once once) {
  auto begun = std::chrono::steady_clock::now();
  std::uint64_t done = 0;
  for (; done < octets; done += buffer.size()) once(buffer);
  std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  return static_cast<double>(done) / took.count() / 1e9;
}

int run(int argc, char** argv) {
  Arguments arguments(argc, argv, {{"line", "76"}, {"buffer", "65536"}, {"mib", "4096"}}, kUsage);
  auto octets = arguments.number("mib") << 20;
  auto line = std::string(arguments.number("line"), 'x') + "\r\n";
  std::string buffer;
  while (buffer.size() < arguments.number("buffer")) buffer += line;

  std::uint64_t content = 0;
  lmtp::DataReader reader;
  auto read = speed(buffer, octets, [&](std::string_view input) {
    while (!input.empty()) content += reader.next(input).octets.size();
  });
  spool::CrlfToLf newlines;
  std::string out;
  auto converted = speed(buffer, octets, [&](std::string_view input) {
    out.clear();
    newlines.convert(input, out);
    content += out.size();
  });
  if (content == 0) Arguments::die("nothing was read");
  std::printf("{\"read\": %.2f, \"converted\": %.2f}\n", read, converted);
  return EX_OK;
}

}  // namespace
}  // namespace handoff::bench

int main(int argc, char** argv) { return handoff::bench::run(argc, argv); }
