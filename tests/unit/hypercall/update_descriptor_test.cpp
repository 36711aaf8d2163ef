// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/ports/frame_window.hpp"
#include "hypervisor/x86/segments.hpp"
#include "tests/support/hypervisor/stage.hpp"

#include <catch2/catch.hpp>

using namespace hospes;
using namespace hospes::test;

namespace {

struct Descriptors : Stage {
    i64 update(u64 place, u64 descriptor) { return World::hypercall(one.vcpu, __HYPERVISOR_update_descriptor, {place, descriptor}); }
    u64 place(Mfn mfn, unsigned index) { return maddr_of(mfn).raw() + index * 8; }
    u64 word(Mfn mfn, unsigned index) { return frame_pointer<u64>(mfn)[index]; }
};

}  // namespace

TEST_CASE("a descriptor is stored at the guest's privilege, in a table or in plain memory", "[hypercall][descriptors]") {
    Descriptors w;
    Mfn const page = w.one.pages[0];
    CHECK(w.update(w.place(page, 5), kFlatCode64Dpl0) == 0);
    CHECK(w.word(page, 5) == kFlatCode64Dpl3);
    REQUIRE(w.page_types.get_page_and_type(page, w.one.domain.id(), PageType::segdesc).ok());
    CHECK(w.update(w.place(page, 6), kFlatDataDpl0) == 0);
    CHECK(w.word(page, 6) == kFlatDataDpl3);
    CHECK(w.update(w.place(page, 6), 0) == 0);
    CHECK(w.word(page, 6) == 0);
    w.page_types.put_page_and_type(page);
}

TEST_CASE("a page that is in no descriptor table does not become one: what else it holds stays", "[hypercall][descriptors]") {
    Descriptors w;
    Mfn const page = w.one.pages[0];
    frame_pointer<u64>(page)[7] = kFlatCode64Dpl0;  // by chance
    CHECK(w.update(w.place(page, 5), kFlatDataDpl0) == 0);
    CHECK(w.word(page, 5) == kFlatDataDpl3);
    CHECK(w.word(page, 7) == kFlatCode64Dpl0);
}

TEST_CASE("no gate and no system segment gets into a descriptor table, and none into what is not the guest's", "[hypercall][descriptors]") {
    Descriptors w;
    Mfn const page = w.one.pages[0];
    u64 const call_gate = u64{0xc} << 40 | kDescriptorPresent;
    CHECK_REFUSED(w, Errno::invalid, w.update(w.place(page, 5), call_gate));
    CHECK_REFUSED(w, Errno::invalid, w.update(w.place(page, 5), system_descriptor(0x1000, 0x67, kSystemTypeTss)));
    CHECK_REFUSED(w, Errno::invalid, w.update(w.place(page, 5) + 4, kFlatDataDpl3));
    CHECK_REFUSED(w, Errno::invalid, w.update(w.place(w.two.pages[0], 5), kFlatDataDpl3));
    CHECK_REFUSED(w, Errno::invalid, w.update(w.place(w.one.space.l1, 5), kFlatDataDpl3));
    CHECK_REFUSED(w, Errno::invalid, w.update(u64{1} << 45, kFlatDataDpl3));
}
