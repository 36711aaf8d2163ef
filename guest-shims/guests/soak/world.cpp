// SPDX-License-Identifier: Apache-2.0
#include "world.hpp"

namespace hospes::guest {
namespace {

const u64 *boot_root() { return reinterpret_cast<const u64 *>(start_info().pt_base); }

constexpr u64 kBadAddresses[] = {0, 0x1000, kHypervisorStart, 0xffff82d040200000, kHypervisorEnd - 8, kNonCanonical, ~0ULL - 7};

constexpr u64 kImagePfns = 1024;

struct Span {
    u64 first = ~0ULL, last = 0;
};

Span image_span() {
    Span span;
    for (u64 pfn = 0; pfn < kImagePfns; ++pfn) {
        const u64 mfn = raw(mfn_of(Pfn{pfn}));
        span.first = mfn < span.first ? mfn : span.first;
        span.last = mfn > span.last ? mfn : span.last;
    }
    return span;
}

/// Whether a frame holds this guest's own code, stacks and tables, which random calls are not to spoil.
bool is_own_image(Mfn mfn) {
    static const Span span = image_span();
    if (raw(mfn) < span.first || raw(mfn) > span.last) return false;
    for (u64 pfn = 0; pfn < kImagePfns; ++pfn) {
        if (mfn_of(Pfn{pfn}) == mfn) return true;
    }
    return false;
}

/// Any number at all, small ones as often as large ones.
Mfn wild_mfn(Random &random) {
    for (;;) {
        const Mfn mfn{random.next() >> random.below(60)};
        if (!is_own_image(mfn)) return mfn;
    }
}

}  // namespace

Mfn World::any_mfn() {
    switch (random.below(16)) {
        case 0: return window.l1.mfn();
        case 1: return window.l2.mfn();
        case 2: return window.l3.mfn();
        case 3: return mfn_of_address(boot_root());
        case 4: return entry_mfn(boot_root()[256]);
        case 5: return wild_mfn(random);
        case 6: return user.root();
        default: return any_page().mfn();
    }
}

u64 World::any_flags() {
    u64 flags = random.one_in(6) ? 0 : kPresent;
    if (random.one_in(2)) flags |= kWritable;
    if (random.one_in(2)) flags |= kUser;
    if (random.one_in(2)) flags |= kAccessed | kDirty;
    if (random.one_in(12)) flags |= kPse;
    if (random.one_in(12)) flags |= kGlobal;
    if (random.one_in(16)) flags |= kCacheDisable | kWriteThrough;
    if (random.one_in(12)) flags |= kNoExecute;
    if (random.one_in(16)) flags |= random.next() & 0xfff0000000000e00;
    return flags;
}

u64 World::any_slot() {
    const unsigned index = static_cast<unsigned>(random.one_in(2) ? random.below(16) : random.below(kEntries));
    switch (random.below(12)) {
        case 0:
        case 1:
        case 2:
        case 3: return window.l1.slot(index);
        case 4:
        case 5: return window.l2.slot(index == 0 ? 1 : index);  // entry 0 holds the window itself
        case 6: return window.l3.slot(index == 0 ? 1 : index);
        case 7: return maddr(mfn_of_address(boot_root()), (301 + (index & 31)) * 8);
        case 8: return maddr(entry_mfn(boot_root()[256]), index * 8);
        case 9: return random.next() & ~7ULL;
        default: return any_page().slot(index);
    }
}

u64 World::any_address() {
    const u64 choice = random.below(10);
    if (choice < 5) return window.va(static_cast<unsigned>(random.below(16)));
    if (choice < 7) return any_page().va();
    if (choice == 7) return kBadAddresses[random.below(sizeof kBadAddresses / 8)];
    if (choice == 8) return random.next() & 0x00007fffffffffff;
    return window.va(0) + (random.below(16) << 30);
}

u32 World::any_domain() {
    if (random.one_in(6)) return neighbour;
    constexpr u32 kDomains[] = {DOMID_SELF, DOMID_SELF, DOMID_SELF, DOMID_SELF, DOMID_SELF, DOMID_SELF, DOMID_IO, DOMID_XEN, DOMID_INVALID, 0, 1, 1234};
    return kDomains[random.below(sizeof kDomains / 4)];
}

void keep_image_out(const World &world) {
    for (unsigned index = 0; index < 16; ++index) {
        const u64 value = __atomic_load_n(&world.window.l1[index], __ATOMIC_RELAXED);
        if ((value & kPresent) != 0 && is_own_image(entry_mfn(value))) static_cast<void>(hv::update_va_mapping(world.window.va(index), 0, UVMF_INVLPG));
    }
}

unsigned find_breaches(const World &world) {
    unsigned found = 0;
    const Mfn tables[] = {world.window.l1.mfn(), world.window.l2.mfn(), world.window.l3.mfn(), world.user.root(), mfn_of_address(boot_root()),
                          entry_mfn(boot_root()[256])};
    for (unsigned index = 0; index < kEntries; ++index) {
        const u64 value = __atomic_load_n(&world.window.l1[index], __ATOMIC_RELAXED);
        if ((value & (kPresent | kWritable)) != (kPresent | kWritable)) continue;
        for (const Mfn table : tables) {
            if (entry_mfn(value) != table) continue;
            printk("soak: BREACH: entry %u is %lx, writable, of a page table\n", index, value);
            ++found;
        }
    }
    for (unsigned index = 1; index < kEntries; ++index) {
        for (const Page *table : {&world.window.l2, &world.window.l3}) {
            const u64 value = __atomic_load_n(&(*table)[index], __ATOMIC_RELAXED);
            if ((value & (kPresent | kPse)) != (kPresent | kPse)) continue;
            printk("soak: BREACH: a superpage entry %lx\n", value);
            ++found;
        }
    }
    return found;
}

}  // namespace hospes::guest
