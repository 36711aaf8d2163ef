// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/machine/pci.hpp"

#include "hypervisor/machine/acpi.hpp"
#include "hypervisor/machine/mmio_map.hpp"
#include "hypervisor/ports/frame_window.hpp"

namespace hospes {
namespace {

constexpr u32 kStatusAndCommand = 0x04;
constexpr u32 kHasCapabilities = 1u << 20;
constexpr u32 kFirstBar = 0x10;
constexpr u32 kCapabilities = 0x34;
constexpr u8 kMsi = 0x05;
constexpr u8 kMsix = 0x11;
constexpr u32 kMsi64Bit = 1u << 23;    // of the capability's first word
constexpr u32 kMsiMaskable = 1u << 24;
constexpr u32 kMsixEntryBytes = 16;

class ConfigSpace {
public:
    static Result<ConfigSpace> of(PciFunction function) {
        bool const in_window = function.bus >= acpi_facts.mmcfg_first_bus && function.bus <= acpi_facts.mmcfg_last_bus;
        if (acpi_facts.mmcfg.raw() == 0 || !in_window) return Errno::invalid;
        u64 const offset = (u64{function.bus} << 20) | (u64{function.devfn} << 12);
        ConfigSpace const space{machine_pointer<u32>(acpi_facts.mmcfg + offset)};
        if (space.read(0) == ~u32{0}) return Errno::invalid;
        return space;
    }

    u32 read(u32 offset) const { return words_[offset / 4]; }
    void write(u32 offset, u32 value) const { words_[offset / 4] = value; }

    // Offset of a capability, 0 when there is none. A list longer than the space holds is a loop.
    u32 find_capability(u8 id) const {
        if ((read(kStatusAndCommand) & kHasCapabilities) == 0) return 0;
        u32 at = read(kCapabilities) & 0xfc;
        for (unsigned steps = 0; at >= 0x40 && steps < 48; ++steps) {
            u32 const header = read(at);
            if ((header & 0xff) == id) return at;
            at = header >> 8 & 0xfc;
        }
        return 0;
    }

    Result<MachineAddress> memory_bar(u32 index) const {
        if (index > 5) return Errno::invalid;
        u32 const low = read(kFirstBar + 4 * index);
        if ((low & 1) != 0) return Errno::invalid;  // a port range
        u64 address = low & ~u32{0xf};
        bool const is_64_bit = (low >> 1 & 3) == 2;
        if (is_64_bit && index < 5) address |= u64{read(kFirstBar + 4 * index + 4)} << 32;
        if (address == 0) return Errno::invalid;
        return MachineAddress{address};
    }

private:
    explicit ConfigSpace(u32 volatile* words) : words_{words} {}

    u32 volatile* words_;
};

}  // namespace

Status write_msi(PciFunction function, MsiMessage const& message) {
    ConfigSpace const space = HV_TRY(ConfigSpace::of(function));
    u32 const at = space.find_capability(kMsi);
    if (at == 0) return Errno::invalid;
    u32 const header = space.read(at);
    space.write(at + 4, static_cast<u32>(message.address));
    u32 data_at = at + 8;
    if ((header & kMsi64Bit) != 0) {
        space.write(at + 8, static_cast<u32>(message.address >> 32));
        data_at = at + 12;
    }
    space.write(data_at, message.data & 0xffff);
    if ((header & kMsiMaskable) != 0) space.write(data_at + 4, 0);
    return {};
}

Result<MsixEntry> find_msix_entry(PciFunction function, u32 index) {
    ConfigSpace const space = HV_TRY(ConfigSpace::of(function));
    u32 const at = space.find_capability(kMsix);
    if (at == 0) return Errno::invalid;
    u32 const entries = (space.read(at) >> 16 & 0x7ff) + 1;
    if (index >= entries) return Errno::invalid;
    u32 const table = space.read(at + 4);
    MachineAddress const bar = HV_TRY(space.memory_bar(table & 7));
    MachineAddress const entry = bar + (table & ~u32{7}) + u64{index} * kMsixEntryBytes;
    u8 volatile* const page = static_cast<u8 volatile*>(HV_TRY(map_mmio(mfn_of(entry))));
    return MsixEntry{reinterpret_cast<u32 volatile*>(page + entry.page_offset())};
}

void write_msix(MsixEntry entry, MsiMessage const& message) {
    entry.words[0] = static_cast<u32>(message.address);
    entry.words[1] = static_cast<u32>(message.address >> 32);
    entry.words[2] = message.data;
    entry.words[3] = 0;
}

void mask_msix(MsixEntry entry) { entry.words[3] = 1; }

}  // namespace hospes
