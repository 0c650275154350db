// Durations, counted in buckets of 1/32 of an octave, so that every percentile is accurate to 3 %.
// Plain memory, usable in a shared mapping with one writer.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>

namespace handoff::bench {

class Histogram {
 public:
  void add(std::uint64_t nanoseconds) {
    ++counts_[bucket_of(nanoseconds)];
    ++count_;
    longest_ = std::max(longest_, nanoseconds);
  }

  void add(const Histogram& other) {
    for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
    count_ += other.count_;
    longest_ = std::max(longest_, other.longest_);
  }

  std::uint64_t count() const { return count_; }
  // The percentile `share` in milliseconds; share = 1 is the exact maximum.
  double percentile(double share) const {
    if (count_ == 0) return 0;
    // The percentile is the value at the nearest rank. 1e-6 prevents an error of one rank, because
    // 0.99 is not exact as a double.
    auto wanted = static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(count_) - 1e-6));
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < counts_.size() && share < 1; ++i) {
      seen += counts_[i];
      if (seen >= wanted) return milliseconds(std::min(end_of(i), longest_));
    }
    return milliseconds(longest_);
  }

 private:
  static constexpr unsigned kBits = 5;  // 32 buckets in each octave

  static double milliseconds(std::uint64_t nanoseconds) {
    return static_cast<double>(nanoseconds) / 1e6;
  }
  static std::size_t bucket_of(std::uint64_t value) {
    unsigned width = static_cast<unsigned>(std::bit_width(value | 1));
    if (width <= kBits) return value;
    unsigned shift = width - kBits - 1;
    return (std::size_t{shift + 1} << kBits) + ((value >> shift) & ((1U << kBits) - 1));
  }
  static std::uint64_t end_of(std::size_t bucket) {
    auto octave = bucket >> kBits;
    auto rest = bucket & ((1U << kBits) - 1);
    if (octave == 0) return bucket;
    return ((rest + (1U << kBits) + 1) << (octave - 1)) - 1;
  }

  std::array<std::uint64_t, std::size_t{65 - kBits} << kBits> counts_{};
  std::uint64_t count_ = 0;
  std::uint64_t longest_ = 0;
};

}  // namespace handoff::bench
