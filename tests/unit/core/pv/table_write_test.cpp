// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/pv/table_write.hpp"

#include "hypervisor/core/mm/page_types.hpp"
#include "hypervisor/ports/frame_window.hpp"
#include "hypervisor/x86/pte.hpp"
#include "tests/unit/core/pv/pv_guest.hpp"

#include <catch2/catch.hpp>

using namespace hospes;
using namespace hospes::test;

namespace {

constexpr u64 kLeaf = Pte::kPresent | Pte::kUser | Pte::kAccessed;
constexpr u64 kTable = kLeaf | Pte::kWritable;

// A guest whose level-1 table is mapped read-only at `view`, and holds in entry 3 a writable mapping of `page`.
struct TableGuest : PvGuest {
    TableGuest() {
        view = guest_memory().allocate(kPageSize).raw();
        table = populate(domain);
        page = populate(domain);
        Mfn const l1 = populate(domain), l2 = populate(domain), l3 = populate(domain), l4 = populate(domain);
        set(table, 3, page, kLeaf | Pte::kWritable);
        set(l1, table_index(view, 1), table, kLeaf);
        set(l2, table_index(view, 2), l1, kTable);
        set(l2, 511, table, kTable);
        set(l3, table_index(view, 3), l2, kTable);
        set(l4, table_index(view, 4), l3, kTable);
        if (!page_types.get_page_and_type(l4, domain.id(), PageType::l4_table).ok()) throw HostPanic{"the test's tables are not valid"};
        vcpu.pv.kernel_root = l4;
        show(3);
    }

    void set(Mfn into, unsigned index, Mfn frame, u64 flags) { frame_pointer<u64>(into)[index] = Pte::make(frame, flags).raw(); }
    u64 entry(unsigned index) const { return frame_pointer<u64>(table)[index]; }
    // Lets the guest's view of an entry show what the table holds.
    void show(unsigned index) {
        u64 const value = entry(index);
        std::memcpy(guest_memory().find(GuestAddress{view + index * 8}, 8), &value, 8);
    }
    bool write(std::initializer_list<unsigned> bytes, unsigned index, unsigned offset = 0) {
        vcpu.regs.rip = code;
        place_code(bytes);
        return emulate_table_write(vcpu, {.vector = kVectorPageFault, .error_code = 7, .cr2 = view + index * 8 + offset, .dr6 = 0});
    }

    u64 view = 0;
    Mfn table;
    Mfn page;
};

}  // namespace

TEST_CASE("MOV installs an entry that obeys the rules", "[pv][table_write]") {
    TableGuest g;
    g.vcpu.regs.rax = Pte::make(g.page, kLeaf | Pte::kWritable).raw();
    REQUIRE(g.write({0x48, 0x89, 0x07}, 7));
    CHECK(Pte{g.entry(7)}.mfn() == g.page);
    CHECK(g.vcpu.regs.rip == g.code + 3);
}

TEST_CASE("an entry that breaks the rules leaves table and guest as they were", "[pv][table_write]") {
    TableGuest g;
    SECTION("a writable mapping of a page table") { g.vcpu.regs.rax = Pte::make(g.table, kLeaf | Pte::kWritable).raw(); }
    SECTION("a frame of another domain") { g.vcpu.regs.rax = Pte::make(g.populate(g.add_domain(2)), kLeaf).raw(); }
    CHECK_FALSE(g.write({0x48, 0x89, 0x07}, 7));
    CHECK(g.entry(7) == 0);
    CHECK(g.vcpu.regs.rip == g.code);
}

TEST_CASE("XCHG takes the raw old entry out", "[pv][table_write]") {
    TableGuest g;
    u64 const old = g.entry(3);
    g.vcpu.regs.rax = 0;
    REQUIRE(g.write({0x48, 0x87, 0x07}, 3));
    CHECK(g.vcpu.regs.rax == old);
    CHECK(g.entry(3) == 0);
}

TEST_CASE("a byte-wide LOCK AND clears RW and sets the flags of the byte", "[pv][table_write]") {
    TableGuest g;
    u64 const old = g.entry(3);
    REQUIRE(g.write({0xf0, 0x80, 0x27, 0xfd}, 3));
    CHECK(g.entry(3) == (old & ~Pte::kWritable));
    CHECK((g.vcpu.regs.rflags & 0x41) == 0);  // neither ZF nor CF
}

TEST_CASE("LOCK BTR tells the old bit in CF", "[pv][table_write]") {
    TableGuest g;
    REQUIRE(g.write({0xf0, 0x48, 0x0f, 0xba, 0x37, 0x05}, 3));  // accessed
    CHECK((g.vcpu.regs.rflags & 1) != 0);
    CHECK((g.entry(3) & Pte::kAccessed) == 0);
    g.show(3);
    REQUIRE(g.write({0xf0, 0x48, 0x0f, 0xba, 0x37, 0x05}, 3));
    CHECK((g.vcpu.regs.rflags & 1) == 0);
}

TEST_CASE("CMPXCHG writes only on a match", "[pv][table_write]") {
    TableGuest g;
    u64 const old = g.entry(3);
    g.vcpu.regs.rdx = 0;
    g.vcpu.regs.rax = old ^ 0x200;
    REQUIRE(g.write({0xf0, 0x48, 0x0f, 0xb1, 0x11}, 3));
    CHECK(g.vcpu.regs.rax == old);
    CHECK(g.entry(3) == old);
    CHECK((g.vcpu.regs.rflags & 0x40) == 0);
    REQUIRE(g.write({0xf0, 0x48, 0x0f, 0xb1, 0x11}, 3));
    CHECK(g.entry(3) == 0);
    CHECK((g.vcpu.regs.rflags & 0x40) != 0);
}

TEST_CASE("an entry that changed since it was read is written by another execution", "[pv][table_write]") {
    TableGuest g;
    u64 const old = g.entry(3);
    frame_pointer<u64>(g.table)[3] = old | Pte::kDirty;  // the processor set it; the view still shows the old value
    g.vcpu.regs.rax = 0;
    REQUIRE(g.write({0x48, 0x87, 0x07}, 3));
    CHECK(g.vcpu.regs.rip == g.code);
    CHECK(g.vcpu.regs.rax == 0);
    CHECK(g.entry(3) == (old | Pte::kDirty));
}

TEST_CASE("what is no write of an entry is the guest's own fault", "[pv][table_write]") {
    TableGuest g;
    CHECK_FALSE(g.write({0x48, 0x89, 0x07}, 3, 4));  // across two entries
    CHECK_FALSE(g.write({0x90}, 3));
    CHECK_FALSE(g.write({0x48, 0x89, 0xc7}, 3));                          // mov %rax, %rdi
    CHECK_FALSE(g.write({0x48, 0x83, 0x07, 0x01}, 3));                    // add
    CHECK_FALSE(g.write({0x48, 0xc7, 0x0f, 0, 0, 0, 0}, 3));              // c7 /1
    u64 const elsewhere = guest_memory().allocate(kPageSize).raw();       // not mapped by the guest's tables
    g.vcpu.regs.rip = g.code;
    g.place_code({0x48, 0x89, 0x07});
    CHECK_FALSE(emulate_table_write(g.vcpu, {.vector = kVectorPageFault, .error_code = 7, .cr2 = elsewhere, .dr6 = 0}));
}
