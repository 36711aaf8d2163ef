// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/abi/xen.hpp"
#include "hypervisor/core/domain/kernel_image.hpp"

#include <catch2/catch.hpp>

#include <cstring>
#include <string>
#include <vector>

using namespace hospes;

namespace {

// An ELF image: two segments and the notes that a PV kernel must have.
struct KernelFile {
    ElfHeader header{};
    std::vector<ElfProgramHeader> segments;
    std::vector<u8> notes;

    KernelFile() {
        std::memcpy(header.ident, "\177ELF\2\1", 6);
        header.machine = kElfMachineX86_64;
        header.program_offset = sizeof header;
        add_segment(0x1000, 0x10'0000, 0x3000, 0x3000);
        add_segment(0x4000, 0x10'4000, 0x1800, 0x5000);
        add_note(XEN_ELFNOTE_ENTRY, 0xffff'ffff'8100'0000);
        add_note(XEN_ELFNOTE_VIRT_BASE, 0xffff'ffff'8000'0000);
    }

    void add_segment(u64 offset, u64 address, u64 file_size, u64 memory_size) {
        segments.push_back({.type = kElfLoad, .flags = 0, .offset = offset, .vaddr = address, .paddr = address, .file_size = file_size,
                            .memory_size = memory_size, .align = 0x1000});
    }

    void add_note(u32 type, u64 value, std::string const& owner = "Xen", u32 value_size = sizeof(u64)) {
        ElfNoteHeader const note{static_cast<u32>(owner.size() + 1), value_size, type};
        append(&note, sizeof note);
        append(owner.c_str(), owner.size() + 1);
        notes.resize((notes.size() + 3) & ~usize{3});
        append(&value, sizeof value);
    }

    std::vector<u8> bytes() const {
        std::vector<ElfProgramHeader> table = segments;
        table.push_back({.type = kElfNote, .flags = 0, .offset = 0x6000, .vaddr = 0, .paddr = 0, .file_size = notes.size(),
                         .memory_size = notes.size(), .align = 4});
        ElfHeader complete = header;
        complete.program_count = static_cast<u16>(table.size());
        std::vector<u8> file(0x6000 + notes.size());
        std::memcpy(file.data(), &complete, sizeof complete);
        std::memcpy(file.data() + header.program_offset, table.data(), table.size() * sizeof table[0]);
        std::memcpy(file.data() + 0x6000, notes.data(), notes.size());
        return file;
    }

private:
    void append(void const* from, usize size) {
        auto const* const bytes = static_cast<u8 const*>(from);
        notes.insert(notes.end(), bytes, bytes + size);
    }
};

std::string refusal(std::vector<u8> const& file) {
    char const* why = "none";
    return read_kernel_image(file, why).ok() ? "accepted" : why;
}

KernelImage image_of(KernelFile const& file) {
    char const* why = "";
    return read_kernel_image(file.bytes(), why).value();
}

}  // namespace

TEST_CASE("a PV kernel tells its entry, its base and its segments", "[domain][kernel_image]") {
    KernelImage const image = image_of(KernelFile{});
    CHECK(image.entry == 0xffff'ffff'8100'0000);
    CHECK(image.virt_base == 0xffff'ffff'8000'0000);
    REQUIRE(image.segment_count == 2);
    CHECK(image.segments[1].address == 0x10'4000);
    CHECK(image.end == 0x10'9000);
}

TEST_CASE("what is no PV kernel is refused with the reason", "[domain][kernel_image]") {
    KernelFile file;
    SECTION("not ELF") { CHECK(refusal({'M', 'Z', 0, 0}) == "not a 64-bit little-endian ELF image"); }
    SECTION("another processor") {
        file.header.machine = 183;
        CHECK(refusal(file.bytes()) == "not for x86-64");
    }
    SECTION("headers behind the end") {
        file.header.program_offset = ~u64{0} - 8;
        std::vector<u8> bytes = KernelFile{}.bytes();
        std::memcpy(bytes.data() + offsetof(ElfHeader, program_offset), &file.header.program_offset, 8);
        CHECK(refusal(bytes) == "truncated program headers");
    }
    SECTION("a segment behind the end") {
        file.segments[1].offset = ~u64{0} - 0x100;
        CHECK(refusal(file.bytes()) == "a segment ends behind the file");
    }
    SECTION("more in the file than in memory") {
        file.segments[0].memory_size = 0x1000;
        CHECK(refusal(file.bytes()) == "a segment with impossible addresses");
    }
    SECTION("an address out of reach") {
        file.segments[0].paddr = u64{1} << 40;
        CHECK(refusal(file.bytes()) == "a segment with impossible addresses");
    }
    SECTION("too many segments") {
        while (file.segments.size() <= kMaxKernelSegments) file.add_segment(0, 0, 0, 0x1000);
        CHECK(refusal(file.bytes()) == "a segment with impossible addresses");
    }
    SECTION("nothing to load") {
        file.segments.clear();
        CHECK(refusal(file.bytes()) == "nothing to load");
    }
    SECTION("no notes") {
        file.notes.clear();
        CHECK(refusal(file.bytes()) == "no Xen ELF notes: not a kernel for PV domains");
    }
    SECTION("below its own offset") {
        file.add_note(XEN_ELFNOTE_PADDR_OFFSET, 0x20'0000);
        CHECK(refusal(file.bytes()) == "a segment lies below PADDR_OFFSET");
    }
}

TEST_CASE("a page that the file holds as a whole is found there", "[domain][kernel_image]") {
    KernelImage const image = image_of(KernelFile{});
    CHECK_FALSE(whole_page_offset(image, Pfn{0xff}));
    CHECK(whole_page_offset(image, Pfn{0x100}) == 0x1000);
    CHECK(whole_page_offset(image, Pfn{0x102}) == 0x3000);
    CHECK_FALSE(whole_page_offset(image, Pfn{0x103}));
    CHECK(whole_page_offset(image, Pfn{0x104}) == 0x4000);
    CHECK_FALSE(whole_page_offset(image, Pfn{0x105}));  // half of it is zero
    CHECK_FALSE(whole_page_offset(image, Pfn{0x108}));
}

TEST_CASE("a page that two segments have a part of is not found", "[domain][kernel_image]") {
    KernelFile file;
    SECTION("in memory") {
        file.add_segment(0x5c00, 0x10'0800, 0x100, 0x100);
        CHECK_FALSE(whole_page_offset(image_of(file), Pfn{0x100}));
        CHECK(whole_page_offset(image_of(file), Pfn{0x101}) == 0x2000);
    }
    SECTION("in the file: two pages of the domain cannot be one frame") {
        file.add_segment(0x1800, 0x20'0800, 0x1800, 0x1800);
        CHECK_FALSE(whole_page_offset(image_of(file), Pfn{0x100}));
        CHECK_FALSE(whole_page_offset(image_of(file), Pfn{0x101}));
        CHECK_FALSE(whole_page_offset(image_of(file), Pfn{0x201}));
        CHECK(whole_page_offset(image_of(file), Pfn{0x102}) == 0x3000);
    }
}

TEST_CASE("notes of Xen's own kinds are taken, all others passed over", "[domain][kernel_image]") {
    KernelFile file;
    file.add_note(XEN_ELFNOTE_ENTRY, 1, "GNU");
    file.add_note(XEN_ELFNOTE_ENTRY, 2, "Linux");
    file.add_note(XEN_ELFNOTE_FEATURES, 3);
    file.add_note(XEN_ELFNOTE_HYPERCALL_PAGE, 0xffff'ffff'8100'1000);
    file.add_note(XEN_ELFNOTE_INIT_P2M, 0x80'0000'0000);
    file.add_note(XEN_ELFNOTE_MOD_START_PFN, 1);
    file.add_note(XEN_ELFNOTE_PADDR_OFFSET, 0x1'0000);
    KernelImage const image = image_of(file);
    CHECK(image.entry == 0xffff'ffff'8100'0000);
    CHECK(image.hypercall_page == 0xffff'ffff'8100'1000);
    CHECK(image.init_p2m == 0x80'0000'0000);
    CHECK(image.wants_mod_start_pfn);
    CHECK(image.segments[0].address == 0xf'0000);
}

TEST_CASE("a note that does not fit ends the notes", "[domain][kernel_image]") {
    KernelFile file;
    file.notes.clear();
    SECTION("its value is too long") {
        file.add_note(XEN_ELFNOTE_VIRT_BASE, 0, "Xen", 0x8000'0000);
        file.add_note(XEN_ELFNOTE_VIRT_BASE, 1);
        file.add_note(XEN_ELFNOTE_ENTRY, 1);
    }
    SECTION("its name is too long") {
        file.add_note(XEN_ELFNOTE_VIRT_BASE, 1);
        file.add_note(XEN_ELFNOTE_ENTRY, 1, "Xen");
        u32 const huge = ~u32{0};
        std::memcpy(file.notes.data() + file.notes.size() - 24, &huge, sizeof huge);
    }
    SECTION("it has no end") {
        file.add_note(XEN_ELFNOTE_VIRT_BASE, 1);
        file.add_note(XEN_ELFNOTE_ENTRY, 1);
        file.notes.resize(file.notes.size() - 4);
    }
    CHECK(refusal(file.bytes()) == "no Xen ELF notes: not a kernel for PV domains");
}

TEST_CASE("program headers of other kinds, and segments of no size, are passed over", "[domain][kernel_image]") {
    KernelFile file;
    file.segments.push_back({.type = 0x6474'e551, .flags = 0, .offset = ~u64{0}, .vaddr = 0, .paddr = ~u64{0}, .file_size = 8, .memory_size = 0, .align = 1});
    file.add_segment(0x1000, u64{1} << 50, 0, 0);
    CHECK(image_of(file).segment_count == 2);
    CHECK(image_of(file).end == 0x10'9000);
}
