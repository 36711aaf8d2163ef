// SPDX-License-Identifier: Apache-2.0
// Prints what a PV kernel is told at its start, and shuts down.
#include "rt/guest.hpp"

namespace hospes::guest {
namespace {

void print_version() {
    char extra[XEN_EXTRAVERSION_LEN] = {};
    const long version = hv::xen_version(XENVER_version);
    static_cast<void>(hv::xen_version(XENVER_extraversion, extra));
    printk("hypervisor version %ld.%ld%s\n", version >> 16, version & 0xffff, extra);
    xen_feature_info_t features{};
    const long result = hv::xen_version(XENVER_get_features, &features);
    printk("features %x (result %ld)\n", features.submap, result);
}

void print_memory() {
    const start_info_t &info = start_info();
    printk("memory %lu pages, p2m at %lx (pfn %lx, %lu frames)\n", info.nr_pages, info.mfn_list, info.first_p2m_pfn, info.nr_p2m_frames);
    printk("page tables at %lx, %lu frames, root mfn %lx\n", info.pt_base, info.nr_pt_frames,
           raw(mfn_of_address(reinterpret_cast<const void *>(info.pt_base))));
    printk("shared_info at machine address %lx\n", info.shared_info);
}

void print_time() {
    printk("tsc %lu kHz, system time %lu ns, wall clock %lu s\n", tsc_khz(), system_time_ns(), wall_clock_seconds());
}

}  // namespace

void run() {
    const start_info_t &info = start_info();
    printk("hello from a mini-guest\n");
    printk("start_info magic \"%s\", flags %x (%s domain)\n", info.magic, info.flags, is_initial_domain() ? "initial" : "ordinary");
    printk("command line \"%s\"\n", reinterpret_cast<const char *>(info.cmd_line));
    print_version();
    print_memory();
    print_time();
    printk("GUEST hello: 1 ok, 0 failed, 0 skipped\n");
}

}  // namespace hospes::guest
