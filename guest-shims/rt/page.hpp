// SPDX-License-Identifier: Apache-2.0
// Page-table entries, pages a test may do as it likes with, and the way to the entry of an address.
#pragma once
#include "abi.hpp"

namespace hospes::guest {

constexpr u64 kPresent = 1, kWritable = 2, kUser = 4, kWriteThrough = 8, kCacheDisable = 16, kAccessed = 32, kDirty = 64, kPse = 128,
              kGlobal = 256, kAvailable = 0x200, kNoExecute = 1ULL << 63;
constexpr u64 kFrameMask = 0x000ffffffffff000;
constexpr u64 kReadOnlyPage = kPresent | kAccessed;
constexpr u64 kWritablePage = kPresent | kWritable | kAccessed | kDirty;
constexpr u64 kTableEntry = kPresent | kWritable | kUser | kAccessed | kDirty;
constexpr unsigned kEntries = 512;

constexpr u64 entry(Mfn mfn, u64 flags) { return maddr(mfn) | flags; }
constexpr Mfn entry_mfn(u64 value) { return Mfn{(value & kFrameMask) >> kPageShift}; }
constexpr unsigned table_index(u64 va, unsigned level) { return static_cast<unsigned>(va >> (12 + 9 * (level - 1))) & 511; }

/// Asks the hypervisor for the frame of the kernel root in use (a read of CR3, emulated).
Mfn current_root();

/// Machine address of the level-1 entry that maps `va` under the current root; 0 when a table on the way is missing.
/// Follows only tables inside the initial mapping.
u64 entry_address(u64 va);
/// The level-1 entry that maps `va`, or 0.
u64 entry_of(u64 va);

/// One page of the image's arena, mapped writable when taken. Given back writable on destruction; a page the
/// hypervisor will not let be writable again (still pinned or in use as a table) is reported and kept out of use.
class Page {
public:
    Page();
    ~Page();
    Page(const Page &) = delete;
    Page &operator=(const Page &) = delete;

    void *data() const { return data_; }
    u64 va() const { return address_of(static_cast<const char *>(data_)); }
    u64 *words() const { return static_cast<u64 *>(data_); }
    /// The page as a table; plain access, so writable only while make_read_only was not called.
    u64 &operator[](unsigned index) const { return words()[index]; }
    Mfn mfn() const { return mfn_; }
    /// Machine address of entry `index` when the page is a table.
    u64 slot(unsigned index) const { return maddr(mfn_, index * 8); }

    long make_read_only() const;
    long make_writable() const;

private:
    void *data_;
    Mfn mfn_;
};

/// Number of arena pages not in use.
unsigned free_pages();

/// A region of 2 MiB of address space of its own (L3, L2 and L1 made from arena pages, hung in the running root at an
/// otherwise empty L4 slot) where a test may map what it likes. Taken out again on destruction.
class Window {
public:
    explicit Window(unsigned l4_slot = 300);
    ~Window();
    Window(const Window &) = delete;
    Window &operator=(const Window &) = delete;

    bool usable() const { return usable_; }
    u64 va(unsigned page = 0) const { return base_ + page * kPageSize; }
    long map(unsigned page, u64 value) const;

    Page l3, l2, l1;

private:
    u64 base_;
    u64 root_slot_;
    bool usable_;
};

}  // namespace hospes::guest
