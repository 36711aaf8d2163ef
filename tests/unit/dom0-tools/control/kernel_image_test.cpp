// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/control/kernel_image.hpp"

#include "tests/support/dom0/sample_kernel.hpp"

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

using namespace hospes;
using namespace hospes::control;
using Catch::Matchers::Contains;

namespace {

std::string error_of(std::vector<std::byte> const& file) {
    auto const kernel = read_kernel(file);
    return kernel ? "no error" : kernel.error().message();
}

// A folder of its own, gone at the end of the test.
class Folder {
public:
    Folder() {
        std::string name = (std::filesystem::temp_directory_path() / "hospes-test-XXXXXX").string();
        path_ = ::mkdtemp(name.data());
    }
    ~Folder() { std::filesystem::remove_all(path_); }
    std::string write(std::string const& name, std::vector<std::byte> const& content) const {
        auto const path = path_ / name;
        std::ofstream{path, std::ios::binary}.write(reinterpret_cast<char const*>(content.data()),
                                                    static_cast<std::streamsize>(content.size()));
        return path.string();
    }
    std::string operator/(std::string const& name) const { return (path_ / name).string(); }

private:
    std::filesystem::path path_;
};

}  // namespace

TEST_CASE("an ELF kernel gives its segments and notes", "[kernel]") {
    auto const kernel = read_kernel(elf_file());
    REQUIRE(kernel);
    REQUIRE(kernel->elf.segments.size() == 1);
    CHECK(kernel->elf.segments[0].paddr == 0x100000);
    CHECK(kernel->elf.segments[0].memory_size == 12288);
    CHECK(std::ranges::equal(kernel->elf.segments[0].content, pattern(5000)));
    CHECK(kernel->notes.guest_os == "sample");
    CHECK(kernel->notes.entry == 0xffffffff80100010);
    CHECK(kernel->notes.virt_base == 0xffffffff80000000);
    CHECK(kernel->notes.p2m_base == 0x8000000000);
    CHECK(kernel->notes.ramdisk_by_pfn);
    CHECK_FALSE(kernel->notes.hypercall_page);
}

TEST_CASE("a bzImage is unpacked whichever way it is packed", "[kernel]") {
    auto const packing = GENERATE(Packing::gzip, Packing::xz, Packing::zstd, Packing::lz4);
    auto const elf = elf_file();
    auto const kernel = read_kernel(bzimage_file(packed(elf, packing)));
    INFO((kernel ? "" : kernel.error().message()));
    REQUIRE(kernel);
    CHECK(std::ranges::equal(kernel->memory.bytes(), elf));
}

TEST_CASE("a bzImage that is cut off anywhere is refused, and says so", "[kernel]") {
    auto const packing = GENERATE(Packing::gzip, Packing::xz, Packing::zstd, Packing::lz4);
    auto const whole = bzimage_file(packed(elf_file(), packing));
    for (std::size_t size = 0; size < whole.size(); size += size < 0x260 ? 1 : 97) {
        INFO("cut after " << size);
        auto const message = error_of({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)});
        if (size == 0) {
            CHECK(message == "the file is empty; it should be a Linux bzImage or an ELF kernel");
        } else if (size < 0x206) {
            CHECK_THAT(message, Contains("neither a Linux bzImage nor an ELF file"));
        } else {
            CHECK_THAT(message, Contains("the file is cut off"));
        }
    }
}

TEST_CASE("an ELF kernel that is cut off anywhere is refused", "[kernel]") {
    auto const whole = elf_file();
    for (std::size_t size = 4; size < whole.size(); ++size) {
        INFO("cut after " << size);
        CHECK_THAT(error_of({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)}), Contains("the file is cut off"));
    }
}

TEST_CASE("a packed kernel with any byte changed is refused or gives an ELF kernel, and never more", "[kernel]") {
    auto const packing = GENERATE(Packing::gzip, Packing::xz, Packing::zstd, Packing::lz4);
    auto const whole = packed(elf_file(), packing);
    for (std::size_t at = 0; at < whole.size(); at += 31) {
        auto damaged = whole;
        damaged[at] ^= std::byte{0x55};
        auto const kernel = read_kernel(bzimage_file(damaged));
        if (kernel) CHECK(kernel->memory.bytes().size() == elf_file().size());
        if (!kernel) CHECK_FALSE(kernel.error().message().empty());
    }
}

TEST_CASE("foreign files are refused with what they are", "[kernel]") {
    CHECK_THAT(error_of(pattern(4096)), Contains("neither a Linux bzImage nor an ELF file"));
    CHECK_THAT(error_of(elf_file({.machine = 183})), Contains("for another processor"));
    CHECK_THAT(error_of(elf_file({.type = 1})), Contains("not an executable"));
    CHECK_THAT(error_of(elf_file({.has_notes = false})), Contains("no Xen notes"));
    CHECK_THAT(error_of(elf_file({.has_entry = false})), Contains("no entry for paravirtualized domains"));
    CHECK_THAT(error_of(elf_file({.xen_version = "xen-2.0"})), Contains("wants the interface 'xen-2.0'"));
    CHECK_THAT(error_of(elf_file({.hypervisor_start = 0xffff900000000000})), Contains("wants the hypervisor above"));
    CHECK_THAT(error_of(bzimage_file(packed(elf_file(), Packing::xz), 0x207)), Contains("boot protocol 2.07"));
    auto bzip2 = pattern(64);
    std::ranges::transform(std::string_view{"BZh9"}, bzip2.begin(), [](char c) { return static_cast<std::byte>(c); });
    CHECK_THAT(error_of(bzimage_file(bzip2)), Contains("compressed with bzip2"));
    CHECK_THAT(error_of(bzimage_file(pattern(64))), Contains("compressed in an unknown way"));
    CHECK_THAT(error_of(elf_file({.segments = {{0x100000, pattern(100), 50}}})), Contains("which cannot be"));
    CHECK_THAT(error_of(elf_file({.segments = {{~0ull, pattern(100), 100}}})), Contains("which cannot be"));
}

TEST_CASE("an unpacked kernel is kept, and taken as long as the file stays the same", "[kernel][cache]") {
    Folder const folder;
    ImageCache const cache{folder / "cache"};
    auto const path = folder.write("kernel", bzimage_file(packed(elf_file(), Packing::zstd)));
    REQUIRE(load_kernel(path, cache));
    struct stat status {};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    auto const kept = cache.find(status);
    REQUIRE(kept);
    CHECK(std::ranges::equal(kept->bytes(), elf_file()));

    folder.write("kernel", bzimage_file(packed(elf_file({.xen_version = "xen-9.9"}), Packing::zstd)));
    auto const changed = load_kernel(path, cache);
    REQUIRE_FALSE(changed);
    CHECK_THAT(changed.error().message(), Contains(path) && Contains("xen-9.9"));
}

TEST_CASE("only a few of the newest kernels are kept", "[kernel][cache]") {
    Folder const folder;
    ImageCache const cache{folder / "cache"};
    for (int i = 0; i < 7; ++i) {
        REQUIRE(load_kernel(folder.write("kernel" + std::to_string(i), bzimage_file(packed(elf_file(), Packing::lz4))), cache));
    }
    auto const files = std::filesystem::directory_iterator{folder / "cache"};
    CHECK(std::distance(begin(files), end(files)) == 4);
}

TEST_CASE("a kernel is loaded also where nothing can be kept", "[kernel][cache]") {
    Folder const folder;
    auto const path = folder.write("kernel", bzimage_file(packed(elf_file(), Packing::gzip)));
    CHECK(load_kernel(path, ImageCache{folder / "kernel/not-a-folder"}));
    CHECK(load_kernel(path, ImageCache{""}));
    CHECK(load_kernel(folder / "none", ImageCache{""}).error().code() == ENOENT);
    CHECK_THAT(load_kernel("/dev/null", ImageCache{""}).error().message(), Contains("not a regular file"));
}
