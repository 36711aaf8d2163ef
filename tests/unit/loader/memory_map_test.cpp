// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/loader/memory_map.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>
#include <vector>

using namespace hospes;
using namespace hospes::loader;

namespace {

constexpr uint64_t kPage = 4096;

MemoryRange range(uint64_t page, uint64_t pages, EfiMemoryType type, uint64_t attributes = 0xf) {
  return {page * kPage, pages, attributes, type, 0};
}

std::vector<MemoryRange> tidied(std::vector<MemoryRange> ranges) {
  ranges.resize(tidy(ranges));
  return ranges;
}

}  // namespace

TEST_CASE("neighbours of equal type and attributes are merged, others are not") {
  const auto ranges = tidied({range(20, 10, EfiMemoryType::conventional), range(0, 10, EfiMemoryType::conventional),
                              range(10, 10, EfiMemoryType::conventional), range(30, 1, EfiMemoryType::loader_data),
                              range(31, 1, EfiMemoryType::loader_data, 0xe), range(33, 1, EfiMemoryType::loader_data, 0xe),
                              range(32, 0, EfiMemoryType::reserved)});
  REQUIRE(ranges.size() == 4);
  CHECK((ranges[0].start == 0 && ranges[0].pages == 30));
  CHECK((ranges[1].start == 30 * kPage && ranges[1].pages == 1));
  CHECK((ranges[2].start == 31 * kPage && ranges[2].pages == 1));
  CHECK((ranges[3].start == 33 * kPage && ranges[3].pages == 1));
}

TEST_CASE("an empty map stays empty") {
  CHECK(tidied({}).empty());
  CHECK(tidied({range(1, 0, EfiMemoryType::conventional)}).empty());
  CHECK(end_of_ram({}) == 0);
}

TEST_CASE("the end of memory is that of RAM, not of device registers or holes") {
  const std::vector<MemoryRange> ranges = {range(0, 100, EfiMemoryType::conventional), range(100, 5, EfiMemoryType::acpi_nvs),
                                           range(1000, 5, EfiMemoryType::mapped_io), range(2000, 5, EfiMemoryType::reserved)};
  CHECK(end_of_ram(ranges) == 105 * kPage);
}

TEST_CASE("a shuffled and split map comes back whole: every page keeps its type") {
  const unsigned seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 300; ++round) {
    std::vector<EfiMemoryType> pages;
    std::vector<MemoryRange> ranges;
    while (pages.size() < 200) {
      const uint64_t count = random() % 8;
      const auto type = static_cast<EfiMemoryType>(random() % 4);
      ranges.push_back(range(pages.size(), count, type));
      pages.insert(pages.end(), count, type);
    }
    std::shuffle(ranges.begin(), ranges.end(), random);
    uint64_t next = 0;
    const MemoryRange* before = nullptr;
    const auto result = tidied(ranges);
    for (const MemoryRange& found : result) {
      REQUIRE(found.start == next * kPage);
      REQUIRE((before == nullptr || before->efi_type != found.efi_type));
      for (uint64_t i = 0; i < found.pages; ++i) {
        REQUIRE(pages[next + i] == found.efi_type);
      }
      next += found.pages;
      before = &found;
    }
    REQUIRE(next == pages.size());
  }
}
