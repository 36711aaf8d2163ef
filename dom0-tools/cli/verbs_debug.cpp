// SPDX-License-Identifier: Apache-2.0
// Looks into the hypervisor itself: its invariant checker, and its debug keys.
#include "dom0-tools/cli/session.hpp"
#include "dom0-tools/cli/verbs.hpp"

namespace hospes::cli {
namespace {

// Step by step: domains run in between.
Result<HospesCheck> check_all(Privcmd& privcmd) {
    HospesCheck all{.step = 0, .steps = 1, .differences = 0, .frames = 0, .tables = 0, .references = 0};
    for (; all.step < all.steps; ++all.step) {
        auto const part = HV_TRY(privcmd.run_check_step(all.step));
        all.steps = part.steps;
        all.differences += part.differences;
        all.frames += part.frames;
        all.tables += part.tables;
        all.references += part.references;
    }
    return all;
}

Status check_hypervisor(bool as_json) {
    auto session = HV_TRY(Session::open());
    auto const found = HV_TRY(check_all(session.privcmd()));
    if (as_json) {
        print_json({{"frames", found.frames},
                    {"page_tables", found.tables},
                    {"references", found.references},
                    {"differences", found.differences}});
    } else {
        fmt::print("{} frames, {} page tables, {} references: {} differences\n", found.frames, found.tables,
                   found.references, found.differences);
    }
    if (found.differences == 0) return {};
    return fail(EUCLEAN, "the hypervisor's tables contradict each other; hospes dmesg shows where");
}

}  // namespace

Status debug(Arguments const& arguments) {
    if (arguments.operand == "check" && arguments.keys.empty()) return check_hypervisor(arguments.json);
    if (arguments.operand != "keys" || arguments.keys.empty()) {
        return fail(EINVAL, "use it as 'hospes debug check' or 'hospes debug keys LETTERS'");
    }
    auto session = HV_TRY(Session::open());
    return session.privcmd().press_debug_keys(arguments.keys);
}

}  // namespace hospes::cli
