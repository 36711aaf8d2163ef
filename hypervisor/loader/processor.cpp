// SPDX-License-Identifier: Apache-2.0
#include "processor.hpp"

#include <cpuid.h>

namespace hospes::loader {
namespace {

constexpr uint32_t kExtendedFeatures = 0x80000001;
constexpr uint32_t kNx = 1 << 20;
constexpr uint32_t kHugePages = 1 << 26;
constexpr uint64_t kCr4La57 = 1 << 12;
constexpr uint32_t kEferMsr = 0xc0000080;
constexpr uint32_t kEferNxe = 1 << 11;

uint32_t extended_feature_bits() {
  uint32_t eax = 0;
  uint32_t ebx = 0;
  uint32_t ecx = 0;
  uint32_t edx = 0;
  return __get_cpuid(kExtendedFeatures, &eax, &ebx, &ecx, &edx) != 0 ? edx : 0;
}

uint64_t read_cr4() {
  uint64_t value = 0;
  asm volatile("mov %%cr4, %0" : "=r"(value));
  return value;
}

}  // namespace

Outcome<Done> check_processor() {
  if ((extended_feature_bits() & kNx) == 0) {
    return problem("the processor has no NX (no-execute) bit, or it is switched off in the firmware's set-up: it is needed");
  }
  if ((read_cr4() & kCr4La57) != 0) {
    return problem("the firmware runs with 5-level paging: switch it off in the firmware's set-up");
  }
  return Done{};
}

bool processor_has_huge_pages() { return (extended_feature_bits() & kHugePages) != 0; }

void enable_no_execute() {
  uint32_t low = 0;
  uint32_t high = 0;
  asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(kEferMsr));
  asm volatile("wrmsr" : : "c"(kEferMsr), "a"(low | kEferNxe), "d"(high));
}

}  // namespace hospes::loader
