// SPDX-License-Identifier: Apache-2.0
#include "enter_core.hpp"

#include <string.h>

#include "firmware_facts.hpp"
#include "memory_map.hpp"
#include "processor.hpp"

extern "C" {
extern const unsigned char hospes_jump_start[] __attribute__((visibility("hidden")));
extern const unsigned char hospes_jump_end[] __attribute__((visibility("hidden")));
}

namespace hospes::loader {
namespace {

using JumpFunction = void (*)(uint64_t handoff, uint64_t cr3, uint64_t stack, uint64_t entry, uint64_t cr4, uint64_t cr0);

constexpr uint64_t kFourGiB = uint64_t{4} << 30;

uint64_t in_direct_map(uint64_t machine) { return kDirectMapBase + machine; }

uint64_t round_up(uint64_t value, uint64_t unit) { return (value + unit - 1) / unit * unit; }

// The firmware's memory descriptors, in a buffer with room for those that come about meanwhile.
class FirmwareMap {
 public:
  static Outcome<FirmwareMap> prepare(const Efi& efi) {
    FirmwareMap map;
    UINTN size = 0;
    UINTN key = 0;
    UINT32 version = 0;
    efi.boot->GetMemoryMap(&size, nullptr, &key, &map.descriptor_bytes_, &version);  // tells the size: must fail
    if (size == 0 || map.descriptor_bytes_ < sizeof(EFI_MEMORY_DESCRIPTOR)) {
      return problem("the firmware does not give its memory map");
    }
    Outcome<Pages> buffer = Pages::allocate(efi, "the memory map", size + kGrowth * map.descriptor_bytes_);
    if (!buffer.ok()) {
      return buffer.why();
    }
    map.buffer_ = buffer.take();
    return map;
  }

  EFI_STATUS read(const Efi& efi) {
    UINT32 version = 0;
    size_ = buffer_.bytes();
    UINTN descriptor_bytes = descriptor_bytes_;
    const auto descriptors = reinterpret_cast<EFI_MEMORY_DESCRIPTOR*>(buffer_.data());
    return efi.boot->GetMemoryMap(&size_, descriptors, &key_, &descriptor_bytes, &version);
  }

  EFI_STATUS exit_boot_services(const Efi& efi) const { return efi.boot->ExitBootServices(efi.image, key_); }

  [[nodiscard]] size_t capacity() const { return buffer_.bytes() / descriptor_bytes_; }

  // Copies all descriptors to `ranges` (capacity() long), tidied. Returns how many.
  size_t convert(MemoryRange* ranges) const {
    const size_t count = size_ / descriptor_bytes_;
    for (size_t i = 0; i < count; ++i) {
      const auto* from = reinterpret_cast<const EFI_MEMORY_DESCRIPTOR*>(buffer_.data() + i * descriptor_bytes_);
      ranges[i] = {from->PhysicalStart, from->NumberOfPages, from->Attribute, static_cast<EfiMemoryType>(from->Type), 0};
    }
    return tidy({ranges, count});
  }

 private:
  static constexpr size_t kGrowth = 128;

  Pages buffer_;
  UINTN size_ = 0;
  UINTN key_ = 0;
  UINTN descriptor_bytes_ = 0;
};

// One allocation for the Handoff, its arrays and its strings.
class HandoffBlock {
 public:
  static constexpr size_t kMaxLoaderRanges = 8;

  static Outcome<HandoffBlock> make(const Efi& efi, const Cargo& cargo, size_t map_capacity) {
    HandoffBlock block;
    const uint64_t bytes = sizeof(Handoff) + kMaxLoaderRanges * sizeof(LoaderRange) + map_capacity * sizeof(MemoryRange) +
                           cargo.core_options.size() + cargo.dom0_command.size() + 2;
    Outcome<Pages> pages = Pages::allocate(efi, "the hand-off", bytes);
    if (!pages.ok()) {
      return pages.why();
    }
    block.pages_ = pages.take();
    block.pages_.zero();
    block.memory_map_ = reinterpret_cast<MemoryRange*>(block.pages_.data() + sizeof(Handoff));
    block.loader_ranges_ = reinterpret_cast<LoaderRange*>(block.memory_map_ + map_capacity);
    block.text_ = reinterpret_cast<char*>(block.loader_ranges_ + kMaxLoaderRanges);
    return block;
  }

  [[nodiscard]] Handoff& handoff() const { return *reinterpret_cast<Handoff*>(pages_.data()); }
  [[nodiscard]] const Pages& pages() const { return pages_; }
  [[nodiscard]] MemoryRange* memory_map() const { return memory_map_; }
  [[nodiscard]] LoaderRange* loader_ranges() const { return loader_ranges_; }

  MachineString keep(std::string_view text) {
    const uint64_t address = reinterpret_cast<uint64_t>(text_);
    memcpy(text_, text.data(), text.size());  // the block is zeroed: the NUL is there
    text_ += text.size() + 1;
    return {address, text.size()};
  }

  // Notes a range of the loader's, in order of address. Empty ones are left out.
  void note(const Pages& pages, LoaderUse use) {
    if (pages.count() == 0) {
      return;
    }
    size_t at = ranges_++;
    while (at > 0 && loader_ranges_[at - 1].start > pages.address()) {
      loader_ranges_[at] = loader_ranges_[at - 1];
      --at;
    }
    loader_ranges_[at] = {pages.address(), pages.count(), use, 0};
    handoff().loader_range_entries = ranges_;
  }

 private:
  Pages pages_;
  MemoryRange* memory_map_ = nullptr;
  LoaderRange* loader_ranges_ = nullptr;
  char* text_ = nullptr;
  size_t ranges_ = 0;
};

// What the core runs on from its first instruction.
struct Ground {
  Pages tables;
  Pages stack;
  Pages jump;
  uint64_t cr3 = 0;
};

Outcome<Done> map_ground(const Cargo& cargo, uint64_t direct_bytes, bool huge, Ground& ground) {
  const size_t count = ground.tables.count();
  PageTables tables({reinterpret_cast<Table*>(ground.tables.data()), count});
  tables.map_direct(kDirectMapBase, direct_bytes, huge);
  map_core(cargo.core_layout, cargo.core.address(), tables);
  tables.map_pages(ground.jump.address(), ground.jump.address(), 1, Access::read_execute);
  if (!tables.complete()) {
    return problem("the core's first page tables do not fit into ", uint64_t{count}, " pages: an error in hospes.efi");
  }
  ground.cr3 = tables.root();
  return Done{};
}

Outcome<Ground> prepare_ground(const Efi& efi, const Cargo& cargo, uint64_t direct_bytes) {
  const bool huge = processor_has_huge_pages();
  const uint64_t table_bytes = tables_needed(direct_bytes, huge, kCoreLimitOffset - kCoreFirstOffset) * kPageBytes;
  Outcome<Pages> tables = Pages::allocate(efi, "page tables", table_bytes);
  Outcome<Pages> stack = Pages::allocate(efi, "the boot stack", kBootStackBytes);
  Outcome<Pages> jump = Pages::allocate(efi, "the jump", kPageBytes, kPageBytes, EfiLoaderCode);
  for (const Outcome<Pages>* pages : {&tables, &stack, &jump}) {
    if (!pages->ok()) {
      return pages->why();
    }
  }
  Ground ground;
  ground.tables = tables.take();
  ground.stack = stack.take();
  ground.jump = jump.take();
  ground.tables.zero();
  ground.stack.zero();
  memcpy(ground.jump.data(), hospes_jump_start, static_cast<size_t>(hospes_jump_end - hospes_jump_start));
  const Outcome<Done> mapped = map_ground(cargo, direct_bytes, huge, ground);
  if (!mapped.ok()) {
    return mapped.why();
  }
  return ground;
}

void fill(const Efi& efi, const Cargo& cargo, const Ground& ground, uint64_t direct_bytes, HandoffBlock& block) {
  Handoff& handoff = block.handoff();
  handoff.magic = kHandoffMagic;
  handoff.version = kHandoffVersion;
  handoff.size = sizeof(Handoff);
  handoff.memory_map = reinterpret_cast<uint64_t>(block.memory_map());
  handoff.loader_ranges = reinterpret_cast<uint64_t>(block.loader_ranges());
  handoff.direct_map_bytes = direct_bytes;
  handoff.core_image = {cargo.core.address(), cargo.core.bytes()};
  handoff.dom0_kernel = {cargo.kernel.address(), cargo.kernel_bytes};
  handoff.dom0_ramdisk = {cargo.ramdisk.address(), cargo.ramdisk_bytes};
  handoff.options = block.keep(cargo.core_options);
  handoff.dom0_command = block.keep(cargo.dom0_command);
  handoff.firmware = describe_firmware(efi);
  handoff.framebuffer = describe_framebuffer(efi);
  handoff.tsc_at_entry = cargo.tsc_at_entry;
  block.note(cargo.core, LoaderUse::core_image);
  block.note(ground.tables, LoaderUse::page_tables);
  block.note(block.pages(), LoaderUse::handoff);
  block.note(ground.stack, LoaderUse::boot_stack);
  block.note(cargo.kernel, LoaderUse::dom0_kernel);
  block.note(cargo.ramdisk, LoaderUse::dom0_ramdisk);
}

// The map may change between reading it and leaving: then the firmware refuses and it is read again.
bool leave_boot_services(const Efi& efi, FirmwareMap& map) {
  constexpr int kAttempts = 8;
  for (int i = 0; i < kAttempts; ++i) {
    if (failed(map.read(efi))) {
      return false;
    }
    if (!failed(map.exit_boot_services(efi))) {
      return true;
    }
  }
  return false;
}

// The first map is read for its end of memory only: no allocation of ours moves that.
Outcome<uint64_t> direct_map_bytes(const Efi& efi, FirmwareMap& map, MemoryRange* scratch) {
  const EFI_STATUS status = map.read(efi);
  if (failed(status)) {
    return problem("the firmware does not give its memory map (", name_of_status(status), ")");
  }
  const uint64_t end = end_of_ram({scratch, map.convert(scratch)});
  return round_up(end < kFourGiB ? kFourGiB : end, kHugePageBytes);
}

}  // namespace

Problem enter_core(const Efi& efi, const Cargo& cargo) {
  const Outcome<Done> processor = check_processor();
  if (!processor.ok()) {
    return processor.why();
  }
  Outcome<FirmwareMap> prepared_map = FirmwareMap::prepare(efi);
  if (!prepared_map.ok()) {
    return prepared_map.why();
  }
  FirmwareMap map = prepared_map.take();
  Outcome<HandoffBlock> made_block = HandoffBlock::make(efi, cargo, map.capacity());
  if (!made_block.ok()) {
    return made_block.why();
  }
  HandoffBlock block = made_block.take();
  const Outcome<uint64_t> direct_bytes = direct_map_bytes(efi, map, block.memory_map());
  if (!direct_bytes.ok()) {
    return direct_bytes.why();
  }
  Outcome<Ground> ground = prepare_ground(efi, cargo, direct_bytes.value());
  if (!ground.ok()) {
    return ground.why();
  }
  fill(efi, cargo, ground.value(), direct_bytes.value(), block);
  if (!leave_boot_services(efi, map)) {
    return problem("the firmware refuses to end its boot services");
  }

  Handoff& handoff = block.handoff();
  handoff.memory_map_entries = map.convert(block.memory_map());
  enable_no_execute();
  handoff.tsc_at_exit = read_tsc();
  const auto jump = reinterpret_cast<JumpFunction>(ground.value().jump.address());
  jump(in_direct_map(block.pages().address()), ground.value().cr3,
       in_direct_map(ground.value().stack.address() + kBootStackBytes), cargo.core_entry, kCoreCr4, kCoreCr0);
  __builtin_unreachable();
}

}  // namespace hospes::loader
