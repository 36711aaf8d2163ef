// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/core/pv/descriptors.hpp"

#include "hypervisor/x86/segments.hpp"

#include <catch2/catch.hpp>

#include <array>

using namespace hospes;

TEST_CASE("code and data descriptors are raised to privilege 3", "[pv][descriptors]") {
    u64 code = kFlatCode64Dpl0;
    REQUIRE(validate_descriptor(code));
    CHECK(code == kFlatCode64Dpl3);
    u64 data = kFlatDataDpl0;
    REQUIRE(validate_descriptor(data));
    CHECK(data == kFlatDataDpl3);
}

TEST_CASE("descriptors that are not present are kept as they are", "[pv][descriptors]") {
    u64 descriptor = 0x0000'1234'5678'9abc & ~kDescriptorPresent;
    u64 const before = descriptor;
    CHECK(validate_descriptor(descriptor));
    CHECK(descriptor == before);
}

TEST_CASE("no system descriptor of any type or privilege is allowed", "[pv][descriptors]") {
    for (u64 type = 0; type < 16; ++type)
        for (u64 dpl = 0; dpl < 4; ++dpl) {
            u64 descriptor = type << 40 | dpl << 45 | kDescriptorPresent | 0xffff;
            CHECK_FALSE(validate_descriptor(descriptor));
        }
}

TEST_CASE("a page is changed only if all of it is allowed", "[pv][descriptors]") {
    std::array<u64, kDescriptorsPerPage> page{};
    page[3] = kFlatCode64Dpl0;
    page[511] = system_descriptor(0x1000, 0x67, kSystemTypeTss);
    CHECK_FALSE(validate_descriptor_page(page.data()));
    CHECK(page[3] == kFlatCode64Dpl0);
    page[511] = 0;
    CHECK(validate_descriptor_page(page.data()));
    CHECK(page[3] == kFlatCode64Dpl3);
}
