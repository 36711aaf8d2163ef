// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/pv/table_write.hpp"

#include "hypervisor/core/mm/page_types.hpp"
#include "hypervisor/core/pv/exceptions.hpp"
#include "hypervisor/ports/frame_window.hpp"
#include "hypervisor/x86/pte.hpp"
#include "tests/unit/core/pv/pv_guest.hpp"

#include <catch2/catch.hpp>

using namespace hospes;
using namespace hospes::test;

namespace {

constexpr u64 kLeaf = Pte::kPresent | Pte::kUser | Pte::kAccessed;
constexpr u64 kTable = kLeaf | Pte::kWritable;
constexpr u64 kOwn = 0x200;  // one of the bits that are the guest's own

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
    bool write(std::vector<unsigned> const& bytes, unsigned index, unsigned offset = 0) {
        vcpu.regs.rip = code;
        std::ranges::transform(bytes, guest_memory().find(GuestAddress{code}, bytes.size()), [](unsigned byte) { return static_cast<u8>(byte); });
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

// Each form of the instructions that change an entry, on the mapping in entry 3.
TEST_CASE("every instruction that changes an entry does what the processor would do", "[pv][table_write]") {
    struct Form {
        char const* name;
        std::vector<unsigned> code;
        u64 rax;
        unsigned offset;
        u64 (*after)(u64 old);
    };
    Form const form = GENERATE_COPY(values<Form>({
        {"or r64", {0x48, 0x09, 0x07}, kOwn, 0, [](u64 old) { return old | kOwn; }},
        {"and r64", {0x48, 0x21, 0x07}, ~u64{Pte::kWritable}, 0, [](u64 old) { return old & ~u64{Pte::kWritable}; }},
        {"xor r64", {0x48, 0x31, 0x07}, 3 * kOwn, 0, [](u64 old) { return old ^ 3 * kOwn; }},
        {"or r8", {0x08, 0x07}, 2, 1, [](u64 old) { return old | kOwn; }},
        {"and r8", {0x20, 0x07}, 0xfd, 0, [](u64 old) { return old & ~u64{Pte::kWritable}; }},
        {"xor r8", {0x30, 0x07}, 6, 1, [](u64 old) { return old ^ 3 * kOwn; }},
        {"or imm8, sign-extended", {0x48, 0x83, 0x0f, 0x40}, 0, 0, [](u64 old) { return old | Pte::kDirty; }},
        {"and imm8, sign-extended", {0x48, 0x83, 0x27, 0xfd}, 0, 0, [](u64 old) { return old & ~u64{Pte::kWritable}; }},
        {"xor imm32", {0x48, 0x81, 0x37, 0, 6, 0, 0}, 0, 0, [](u64 old) { return old ^ 3 * kOwn; }},
        {"xor imm16", {0x66, 0x81, 0x37, 0, 6}, 0, 0, [](u64 old) { return old ^ 3 * kOwn; }},
        {"mov imm8", {0xc6, 0x07, 0x25}, 0, 0, [](u64 old) { return (old & ~u64{0xff}) | 0x25; }},
        {"mov imm32 to all", {0x48, 0xc7, 0x07, 0, 0, 0, 0}, 0, 0, [](u64) { return u64{0}; }},
        {"mov r8", {0x88, 0x07}, 0x25, 0, [](u64 old) { return (old & ~u64{0xff}) | 0x25; }},
        {"xchg r8", {0x86, 0x07}, 0x25, 0, [](u64 old) { return (old & ~u64{0xff}) | 0x25; }},
        {"bts r64", {0x48, 0x0f, 0xab, 0x07}, 9, 0, [](u64 old) { return old | kOwn; }},
        {"btr r64", {0x48, 0x0f, 0xb3, 0x07}, 64 + 1, 0, [](u64 old) { return old & ~u64{Pte::kWritable}; }},
        {"btc r64", {0x48, 0x0f, 0xbb, 0x07}, 9, 0, [](u64 old) { return old ^ kOwn; }},
        {"bts imm8", {0x48, 0x0f, 0xba, 0x2f, 0x09}, 0, 0, [](u64 old) { return old | kOwn; }},
        {"btc imm8", {0x48, 0x0f, 0xba, 0x3f, 0x01}, 0, 0, [](u64 old) { return old ^ Pte::kWritable; }},
    }));
    INFO(form.name);
    TableGuest g;
    u64 const old = g.entry(3);
    REQUIRE((old & (kOwn | Pte::kWritable)) == Pte::kWritable);
    g.vcpu.regs.rax = form.rax;
    REQUIRE(g.write(form.code, 3, form.offset));
    CHECK(g.entry(3) == form.after(old));
    CHECK(g.vcpu.regs.rip == g.code + form.code.size());
}

TEST_CASE("flags tell of the field as wide as the instruction has it", "[pv][table_write]") {
    constexpr u64 kCarry = 1, kParity = 4, kZero = 0x40, kSign = 0x80, kOverflow = 0x800;
    constexpr u64 kArithmetic = kCarry | kParity | kZero | kSign | kOverflow;
    TableGuest g;
    auto const flags_after = [&](std::initializer_list<unsigned> code, unsigned offset = 0) {
        g.vcpu.regs.rflags |= kArithmetic;
        REQUIRE(g.write(code, 3, offset));
        return g.vcpu.regs.rflags & kArithmetic;
    };
    CHECK(flags_after({0x80, 0x0f, 0x00}, 7) == (kZero | kParity));  // orb $0: the highest byte is 0
    // CMPXCHG of the lowest byte, which is 0x27, with what AL is: flags as CMP sets them.
    REQUIRE((g.entry(3) & 0xff) == 0x27);
    g.vcpu.regs.rax = 0x00;
    CHECK(flags_after({0x0f, 0xb0, 0x0f}) == (kCarry | kSign));  // 0xd9
    CHECK(g.vcpu.regs.rax == 0x27);
    g.vcpu.regs.rax = 0x80;
    CHECK(flags_after({0x0f, 0xb0, 0x0f}) == (kOverflow | kParity));  // 0x59
    g.vcpu.regs.rcx = 0x25;
    CHECK(flags_after({0x0f, 0xb0, 0x0f}) == (kZero | kParity));
    CHECK((g.entry(3) & 0xff) == 0x25);
    g.show(3);
    CHECK((flags_after({0x48, 0x0f, 0xba, 0x27 | 0x08, 0x09}) & kCarry) == 0);  // bts: the others stay
    CHECK((g.vcpu.regs.rflags & (kArithmetic & ~kCarry)) == (kArithmetic & ~kCarry));
}

TEST_CASE("what looks like a write of an entry and is none is the guest's own fault", "[pv][table_write]") {
    TableGuest g;
    for (auto const& code : {std::vector<unsigned>{0x48, 0x0f, 0xba, 0x27, 0x09},  // BT writes nothing
                             {0x48, 0x83, 0x2f, 0x01},                             // SUB
                             {0xec},                                               // IN has no memory operand
                             {0x0f, 0x01, 0x17},                                   // LGDT
                             {0xc6, 0x0f, 0x00}}) {                                // c6 /1
        CHECK_FALSE(g.write(code, 3));
        CHECK(g.vcpu.regs.rip == g.code);
    }
    guest_memory().fault_after = 1;  // the entry cannot be read
    CHECK_FALSE(g.write({0x48, 0x89, 0x07}, 3));
    guest_memory().fault_after = -1;
    CHECK(Pte{g.entry(3)}.mfn() == g.page);
}

TEST_CASE("a write to a table is done for the guest's kernel, and is a page fault for anybody else", "[pv][table_write]") {
    TableGuest g;
    u32 const write_protected = kPageFaultPresent | kPageFaultWrite | kPageFaultUser;
    auto const fault = [&](u64 address, u32 error_code) {
        g.vcpu.regs.rip = g.code;
        g.vcpu.regs.rax = 0;
        g.place_code({0x48, 0x89, 0x07});
        handle_exception(g.vcpu, {.vector = kVectorPageFault, .error_code = error_code, .cr2 = address, .dr6 = 0});
        return g.vcpu.regs.rip;
    };
    u64 const at = g.view + 3 * 8;
    u64 const handler = PvGuest::handler(kVectorPageFault);
    CHECK(fault(at, kPageFaultPresent | kPageFaultUser) == handler);  // no write
    CHECK(fault(at, kPageFaultWrite | kPageFaultUser) == handler);    // nothing is there
    CHECK(fault(at, write_protected | kPageFaultReserved) == handler);
    CHECK(fault(0xffff'8300'0000'0000, write_protected) == handler);  // the core's
    CHECK(fault(guest_memory().allocate(kPageSize).raw(), write_protected) == handler);  // no table
    CHECK(Pte{g.entry(3)}.mfn() == g.page);
    g.vcpu.pv.in_kernel = false;
    CHECK(fault(at, write_protected) == handler);
    CHECK(Pte{g.entry(3)}.mfn() == g.page);
    g.vcpu.pv.in_kernel = true;
    g.vcpu.regs.rsp = g.stack - 256;
    CHECK(fault(at, write_protected) == g.code + 3);
    CHECK(g.entry(3) == 0);
}
