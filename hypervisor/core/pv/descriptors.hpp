// SPDX-License-Identifier: Apache-2.0
// Which segment descriptors a guest's GDT or LDT may hold (SDM vol. 3, 3.4.5): code and data of privilege 3. A call gate or a TSS would
// be a way into the core; a descriptor of less DPL would be unusable, and Linux's are meant to work, so DPL is raised in place.
#pragma once

#include "hypervisor/base/types.hpp"

namespace hospes {

inline constexpr unsigned kDescriptorsPerPage = 512;

// Checks one descriptor and makes it usable at CPL 3. False: not one a guest may have. Descriptors that are not present are kept as they
// are, for they cannot be used; system descriptors are never allowed.
[[nodiscard]] bool validate_descriptor(u64& descriptor);

// The same for a page of them (PageType::segdesc): changes nothing unless all are allowed.
[[nodiscard]] bool validate_descriptor_page(u64* entries);

}  // namespace hospes
