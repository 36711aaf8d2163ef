// SPDX-License-Identifier: Apache-2.0
// xen_version (17): who we are, and what a PV kernel may count on.
#include "hypervisor/core/command_line.hpp"
#include "hypervisor/hypercall/hypercall.hpp"
#include "hypervisor/ports/guest_memory.hpp"
#include "hypervisor/x86/layout.hpp"

#include <algorithm>
#include <cstring>
#include <string_view>

namespace hospes {
namespace {

constexpr u32 kVersion = (4u << 16) | 17;  // what Debian's tools look for

template <usize kSize>
void copy_text(char (&to)[kSize], std::string_view text) {
    std::memcpy(to, text.data(), std::min(text.size(), kSize - 1));
}

// The guest's buffer is as long as the ABI's type; the text is cut to fit and always ends in NUL.
template <usize kSize>
Outcome write_text(GuestAddress to, std::string_view text) {
    char buffer[kSize] = {};
    copy_text(buffer, text);
    HV_TRY(copy_to_guest(to, buffer, kSize));
    return 0;
}

constexpr u32 feature(unsigned bit) { return u32{1} << bit; }

Outcome get_features(Vcpu& caller, GuestAddress arg) {
    GuestHandle<xen_feature_info_t> const handle{arg};
    auto info = HV_TRY(handle.read());
    if (info.submap_idx > 0) return Errno::invalid;
    info.submap = feature(XENFEAT_pae_pgdir_above_4gb) | feature(XENFEAT_mmu_pt_update_preserve_ad) | feature(XENFEAT_highmem_assist) |
                  feature(XENFEAT_gnttab_map_avail_bits) | feature(XENFEAT_memory_op_vnode_supported) |
                  feature(XENFEAT_direct_mapped);
    if (caller.domain().is_hardware_domain()) info.submap |= feature(XENFEAT_dom0);
    HV_TRY(handle.write(info));
    return 0;
}

Outcome compile_info(GuestAddress arg) {
    xen_compile_info_t info{};
    copy_text(info.compiler, "g++ " __VERSION__);
    copy_text(info.compile_by, "hospes");
    copy_text(info.compile_domain, "hospes");
    HV_TRY(GuestHandle<xen_compile_info_t>{arg}.write(info));
    return 0;
}

}  // namespace

Outcome hypercall_xen_version(Vcpu& caller, HypercallArgs& args) {
    GuestAddress const arg{args[1]};
    switch (args[0]) {
        case XENVER_version:
            return kVersion;
        case XENVER_extraversion:
            return write_text<sizeof(xen_extraversion_t)>(arg, ".0-hospes");
        case XENVER_compile_info:
            return compile_info(arg);
        case XENVER_capabilities:
            return write_text<sizeof(xen_capabilities_info_t)>(arg, "xen-3.0-x86_64 ");
        case XENVER_changeset:
            return write_text<sizeof(xen_changeset_info_t)>(arg, "hospes");
        case XENVER_platform_parameters: {
            xen_platform_parameters_t const parameters{.virt_start = kHypervisorStart};
            HV_TRY(GuestHandle<xen_platform_parameters_t>{arg}.write(parameters));
            return 0;
        }
        case XENVER_get_features:
            return get_features(caller, arg);
        case XENVER_pagesize:
            return arg.raw() == 0 ? Outcome{static_cast<i64>(kPageSize)} : Outcome{Errno::invalid};
        case XENVER_guest_handle:
            HV_TRY(copy_to_guest(arg, caller.domain().handle, sizeof(xen_domain_handle_t)));
            return 0;
        case XENVER_commandline:
            if (!caller.domain().is_control_domain()) return write_text<sizeof(xen_commandline_t)>(arg, "<denied>");
            return write_text<sizeof(xen_commandline_t)>(arg, command_line());
        case XENVER_build_id:
            return Errno::no_data;
        default:
            return Errno::no_system_call;
    }
}

}  // namespace hospes
