// SPDX-License-Identifier: Apache-2.0
#include "machine.hpp"

#include "console.hpp"
#include "hypercall.hpp"
#include "page.hpp"
#include "text.hpp"

namespace hospes::guest {
namespace {

const start_info_t *boot_info = nullptr;
vcpu_info_t *current_vcpu_info = nullptr;
alignas(kPageSize) char shared_info_page[kPageSize];

/// The start of the word after `name` where `name` begins a word of the command line, or null.
const char *find_option(const char *name) {
    const char *at = reinterpret_cast<const char *>(boot_info->cmd_line);
    const size_t length = text_length(name);
    for (bool word_start = true; *at != '\0'; ++at) {
        if (word_start && text_starts_with(at, name)) return at + length;
        word_start = *at == ' ';
    }
    return nullptr;
}

}  // namespace

const start_info_t &start_info() { return *boot_info; }
bool is_initial_domain() { return (boot_info->flags & SIF_INITDOMAIN) != 0; }

void machine_init(const start_info_t *info) {
    boot_info = info;
    if (hv::update_va_mapping(address_of(shared_info_page), info->shared_info | kPresent | kWritable) != 0) shutdown(SHUTDOWN_crash);
    current_vcpu_info = &shared_info().vcpu_info[0];
}

shared_info_t &shared_info() { return *reinterpret_cast<shared_info_t *>(shared_info_page); }
vcpu_info_t &vcpu_info() { return *current_vcpu_info; }
void set_vcpu_info(vcpu_info_t *moved) { current_vcpu_info = moved; }

Mfn mfn_of(Pfn pfn) { return Mfn{reinterpret_cast<const u64 *>(boot_info->mfn_list)[raw(pfn)]}; }

Pfn pfn_of(Mfn mfn) { return Pfn{reinterpret_cast<const u64 *>(kHypervisorStart)[raw(mfn)]}; }

Mfn mfn_of_address(const void *address) { return mfn_of(Pfn{(address_of(address) - kVirtBase) >> kPageShift}); }

void *address_of_mfn(Mfn mfn) { return reinterpret_cast<void *>(kVirtBase + (raw(pfn_of(mfn)) << kPageShift)); }

bool option_given(const char *option) {
    const char *after = find_option(option);
    return after != nullptr && (*after == ' ' || *after == '\0');
}

bool option_text(const char *name, char *out, size_t size) {
    const char *after = find_option(name);
    if (after == nullptr || *after != '=') return false;
    size_t length = 0;
    for (++after; *after != '\0' && *after != ' ' && length + 1 < size; ++after) out[length++] = *after;
    out[length] = '\0';
    return true;
}

u64 option_number(const char *name, u64 fallback) {
    char text[32];
    u64 value = 0;
    return option_text(name, text, sizeof text) && parse_number(text, value) ? value : fallback;
}

void shutdown(unsigned reason) {
    console_drain(100000);
    sched_shutdown_t argument{reason};
    for (;;) static_cast<void>(hv::sched_op(SCHEDOP_shutdown, &argument));
}

}  // namespace hospes::guest
