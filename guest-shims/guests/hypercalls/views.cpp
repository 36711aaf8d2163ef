// SPDX-License-Identifier: Apache-2.0
// What the processor looks like to a PV kernel, printed for `make abi-check` to compare: "VIEW name: value" lines. There is no right or
// wrong here, only two hypervisors that answer alike or for a reason do not.
#include "support.hpp"

namespace hospes::guest {
namespace {

void show_cpuid(u32 leaf, u32 subleaf) {
    u32 a = leaf, b = 0, c = subleaf, d = 0;
    asm volatile(".byte 0x0f, 0x0b, 0x78, 0x65, 0x6e, 0x0f, 0xa2" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    printk("VIEW cpuid_%08x_%x: %08x %08x %08x %08x\n", leaf, subleaf, a, b, c, d);
}

void show_msr(u32 msr) {
    u32 low = 0, high = 0;
    const Fault fault = catch_fault([&] { asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr)); });
    if (fault.happened) printk("VIEW msr_%08x: fault %lu\n", msr, fault.vector());
    else printk("VIEW msr_%08x: %08x%08x\n", msr, high, low);
}

void show_selector(u16 selector) {
    u32 limit = 0, rights = 0;
    u8 has_limit = 0, has_rights = 0;
    asm volatile("lsl %2, %0; setz %1" : "=r"(limit), "=qm"(has_limit) : "r"(u32{selector}) : "cc");
    asm volatile("lar %2, %0; setz %1" : "=r"(rights), "=qm"(has_rights) : "r"(u32{selector}) : "cc");
    printk("VIEW selector_%04x: limit %08x rights %08x\n", selector, has_limit != 0 ? limit : 0, has_rights != 0 ? rights : 0);
}

}  // namespace

HV_TEST(view_of_cpuid) {
    for (const u32 leaf : {0U, 1U, 2U, 5U, 6U, 0xaU, 0x40000000U, 0x40000001U, 0x40000002U, 0x40000004U, 0x80000000U, 0x80000001U, 0x80000007U, 0x80000008U, 0x8000000aU,
                           0x80000021U, 0x12345678U})
        show_cpuid(leaf, 0);
    for (const u32 subleaf : {0U, 1U}) show_cpuid(7, subleaf);
    for (const u32 subleaf : {0U, 1U, 2U, 9U}) show_cpuid(0xd, subleaf);
}

HV_TEST(view_of_msrs) {
    constexpr u32 kMsrs[] = {0x10,       0x1b,       0x17,       0x34,       0x35,       0x3a,       0x48,       0x8b,       0xce,       0xe7,
                             0xe8,       0xfe,       0x10a,      0x10f,      0x140,      0x174,      0x179,      0x17a,      0x186,      0x19c,
                             0x1a0,      0x1a2,      0x1d9,      0x200,      0x250,      0x277,      0x2ff,      0x345,      0x38f,      0x480,
                             0x606,      0x611,      0x6e0,      0x802,      0xda0,      0xc0000080, 0xc0000081, 0xc0000082, 0xc0000084, 0xc0000103,
                             0xc0010010, 0xc0010015, 0xc0010058, 0xc0010064, 0xc0010114, 0xc001011f, 0xc0011020, 0xc0011029, 0x40000000};
    for (const u32 msr : kMsrs) {
        if (msr != 0x10) show_msr(msr);  // the time is never the same
    }
}

HV_TEST(view_of_selectors) {
    for (u16 selector = 0xe000; selector < 0xe048; selector = static_cast<u16>(selector + 8)) show_selector(selector);
    for (const u32 selector : {0xe030U, 0xe02bU, 0xe033U, 0xe023U, 0x33U, 0x2bU, 0x2003U}) show_selector(static_cast<u16>(selector));
}

HV_TEST(view_of_instructions) {
    const auto show = [](const char *name, const Fault &fault) {
        if (fault.happened) printk("VIEW instruction_%s: vector %lu error %lx\n", name, fault.vector(), fault.frame.error_code);
        else printk("VIEW instruction_%s: executes\n", name);
    };
    show("hlt", catch_fault([] { asm volatile("hlt"); }));
    show("invd", catch_fault([] { asm volatile("invd"); }));
    show("rdpmc", catch_fault([] { asm volatile("rdpmc" : : "c"(0) : "eax", "edx"); }));
    show("rdtscp", catch_fault([] { asm volatile("rdtscp" : : : "eax", "edx", "ecx"); }));
    show("rdfsbase", catch_fault([] { asm volatile("rdfsbase %%rax" : : : "rax"); }));
    show("monitor", catch_fault([] { asm volatile("monitor" : : "a"(0), "c"(0), "d"(0)); }));
    show("swapgs", catch_fault([] { asm volatile("swapgs"); }));
    show("invlpg", catch_fault([] { asm volatile("invlpg (%0)" : : "r"(0x1000UL) : "memory"); }));
    show("lmsw", catch_fault([] { asm volatile("lmsw %w0" : : "r"(1)); }));
    show("smsw", catch_fault([] { u64 word; asm volatile("smsw %0" : "=r"(word)); }));
    show("sgdt", catch_fault([] { u8 image[16]; asm volatile("sgdt %0" : "=m"(image)); }));
    show("str", catch_fault([] { u64 word; asm volatile("str %0" : "=r"(word)); }));
    show("xgetbv", catch_fault([] { asm volatile("xgetbv" : : "c"(0) : "eax", "edx"); }));
    show("vmcall", catch_fault([] { asm volatile("vmcall"); }));
    show("vmmcall", catch_fault([] { asm volatile("vmmcall"); }));
    show("cr8_read", catch_fault([] { u64 word; asm volatile("mov %%cr8, %0" : "=r"(word)); }));
    show("cr1_read", catch_fault([] { asm volatile(".byte 0x0f, 0x20, 0xc8" : : : "rax"); }));
    show("int_1", catch_fault([] { asm volatile("int $1"); }));
    show("int_3_byte", catch_fault([] { asm volatile("int3"); }));
    show("int_2", catch_fault([] { asm volatile("int $2"); }));
    show("int_0x82", catch_fault([] { asm volatile("int $0x82"); }));
    show("icebp", catch_fault([] { asm volatile(".byte 0xf1"); }));
    show("ud1", catch_fault([] { asm volatile("ud1 %eax, %eax"); }));
    show("sysenter", catch_fault([] { asm volatile("sysenter"); }));
    show("lldt", catch_fault([] { asm volatile("lldt %w0" : : "r"(0)); }));
    show("ltr", catch_fault([] { asm volatile("ltr %w0" : : "r"(0xe040)); }));
    show("in_0x80", catch_fault([] { asm volatile("inb $0x80, %%al" : : : "al"); }));
}

}  // namespace hospes::guest
