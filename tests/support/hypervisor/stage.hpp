// SPDX-License-Identifier: Apache-2.0
// Three domains with everything that hypercalls need: dom0, and the domains one and two, each with page tables, some frames, a port table, a
// grant table and a table of handles (so what grows once is there). Domain one grants entries 0 to 7, its pages 0 to 7, to domain two.
#pragma once

#include "hypervisor/abi/xen.hpp"
#include "tests/support/hypervisor/address_space.hpp"
#include "tests/support/hypervisor/snapshot.hpp"
#include "tests/support/hypervisor/world.hpp"

#include <memory>

namespace hospes::test {

class Stage : public World {
public:
    Stage();

    struct Home {
        Domain& domain;
        Vcpu& vcpu;
        AddressSpace space;
        std::vector<Mfn> pages;  // mapped nowhere
    };

    // An array of arguments that lives as long as the stage.
    template <typename T>
    GuestArray<T>& arguments(usize count = 1) {
        auto array = std::make_shared<GuestArray<T>>(count);
        arguments_.push_back(array);
        return *array;
    }
    // The array that was made last; `T` must be its type.
    template <typename T>
    GuestArray<T>& last() {
        return *static_cast<GuestArray<T>*>(arguments_.back().get());
    }
    // A guest's pointer to a copy of `value`, which last<T>() then is.
    template <typename T>
    u64 pointer_to(T const& value) {
        GuestArray<T>& array = arguments<T>();
        *array = value;
        return array.address();
    }
    // dom0's domctl or sysctl, whose operands `fill` writes; what came back last<xen_domctl>() or last<xen_sysctl>() then is.
    template <typename Fill>
    i64 domctl(u32 command, u16 domain, Fill fill) {
        xen_domctl request{};
        request.cmd = command;
        request.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
        request.domain = domain;
        fill(request.u);
        return World::hypercall(zero.vcpu, __HYPERVISOR_domctl, {pointer_to(request)});
    }
    template <typename Fill>
    i64 sysctl(u32 command, Fill fill) {
        xen_sysctl request{};
        request.cmd = command;
        request.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
        fill(request.u);
        return World::hypercall(zero.vcpu, __HYPERVISOR_sysctl, {pointer_to(request)});
    }

    Home zero, one, two;

private:
    Home furnish(Domain& domain);

    std::vector<std::shared_ptr<void>> arguments_;
};

// An address that no guest memory of a test has.
inline constexpr u64 kNowhere = 0x1000;

}  // namespace hospes::test

// The hypercall `call` gives the guest this error, and changes nothing in `world`.
#define CHECK_REFUSED(world, error, call)                                     \
    do {                                                                      \
        ::hospes::test::Snapshot const before_{world};                        \
        CHECK((call) == ::hospes::to_abi(error));                             \
        ::hospes::test::Snapshot const after_{world};                         \
        CHECK(::hospes::test::difference(before_.exact, after_.exact) == ""); \
    } while (false)
