// SPDX-License-Identifier: Apache-2.0
// What the loader handed over: start_info, the command line, the p2m list and shared_info.
#pragma once
#include "abi.hpp"

namespace hospes::guest {

const start_info_t &start_info();
bool is_initial_domain();

/// Maps shared_info over a page of the image. Call once, early.
void machine_init(const start_info_t *info);
shared_info_t &shared_info();
/// The vcpu_info of vcpu 0, wherever it is registered.
vcpu_info_t &vcpu_info();
/// Tells the runtime that vcpu 0's vcpu_info was moved by VCPUOP_register_vcpu_info.
void set_vcpu_info(vcpu_info_t *moved);

/// Machine frame behind guest frame `pfn`, from the loader's p2m list.
Mfn mfn_of(Pfn pfn);
/// Guest frame the machine-to-physical table names for `mfn`.
Pfn pfn_of(Mfn mfn);
/// Machine frame behind an address in the initial mapping (image, arena, boot page tables).
Mfn mfn_of_address(const void *address);
/// Address in the initial mapping of one of this domain's frames.
void *address_of_mfn(Mfn mfn);

/// True when the word `option` stands on the command line.
bool option_given(const char *option);
/// Copies the value of `name=value` to `out` (cut to size-1); false when it is not on the command line.
bool option_text(const char *name, char *out, size_t size);
/// The number in `name=number`, or `fallback`.
u64 option_number(const char *name, u64 fallback);

/// Ends this domain with a SHUTDOWN_* reason.
[[noreturn]] void shutdown(unsigned reason);

}  // namespace hospes::guest
