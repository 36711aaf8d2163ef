// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/control/hypercall_page.hpp"

#include "hypervisor/abi/xen.hpp"

#include <algorithm>
#include <array>

namespace hospes::control {
namespace {

constexpr std::size_t kStubSize = 32;
constexpr u8 kInt3 = 0xcc;
constexpr std::size_t kNumberAt = 4;     // in kStub, the operand of mov
constexpr std::size_t kIretNumberAt = 5;

// push rcx; push r11; mov eax, number; syscall; pop r11; pop rcx; ret
constexpr std::array<u8, 15> kStub{0x51, 0x41, 0x53, 0xb8, 0, 0, 0, 0, 0x0f, 0x05, 0x41, 0x5b, 0x59, 0xc3, kInt3};
// push rcx; push r11; push rax; mov eax, number; syscall
constexpr std::array<u8, 11> kIretStub{0x51, 0x41, 0x53, 0x50, 0xb8, 0, 0, 0, 0, 0x0f, 0x05};

}  // namespace

void fill_hypercall_page(std::span<std::byte, kPageSize> page) {
    std::ranges::fill(page, std::byte{kInt3});
    auto const put = [&](std::size_t at, auto const& code, u8 number, std::size_t number_at) {
        std::ranges::transform(code, page.begin() + static_cast<std::ptrdiff_t>(at), [](u8 byte) { return std::byte{byte}; });
        page[at + number_at] = std::byte{number};
    };
    for (std::size_t number = 0; number < kPageSize / kStubSize; ++number) {
        bool const is_iret = number == __HYPERVISOR_iret;
        if (is_iret) {
            put(number * kStubSize, kIretStub, static_cast<u8>(number), kIretNumberAt);
        } else {
            put(number * kStubSize, kStub, static_cast<u8>(number), kNumberAt);
        }
    }
}

}  // namespace hospes::control
