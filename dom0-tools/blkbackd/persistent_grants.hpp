// SPDX-License-Identifier: Apache-2.0
// Pages that a block frontend grants once and names again and again (feature-persistent of xen/io/blkif.h): mapped when first
// named, and kept. A frontend may name any references it likes: how much is kept is bounded, and what does not fit or cannot
// be mapped is for the caller to copy.
#pragma once

#include "dom0-tools/ports/grant.hpp"

#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

namespace hospes::blkbackd {

// How many pages all rings together may keep mapped: half of the 131,072 handles that the control domain has for mappings, of which a
// page takes two, one for its kernel and one for us. Rings and other daemons need some too, so a new disk is never refused for what
// older ones keep.
class GrantBudget {
public:
    static constexpr std::size_t kMaxPages = 32768;

    explicit GrantBudget(std::size_t pages = kMaxPages) : left_{pages} {}

    bool take(std::size_t pages) {
        if (pages > left_) return false;
        left_ -= pages;
        return true;
    }
    void give_back(std::size_t pages) { left_ += pages; }

private:
    std::size_t left_;
};

class PersistentGrants {
    struct Batch;

public:
    // Keeps mappings alive: for a request whose data the kernel is moving. It may outlive the PersistentGrants, not
    // the device and the budget.
    class Hold {
        friend class PersistentGrants;
        std::vector<std::shared_ptr<Batch const>> batches_;
    };

    // xen-blkback's bound too: a ring of one page with 33 pages a request, more than Linux's frontend ever has.
    static constexpr std::size_t kMaxPages = 1056;
    // Each batch is an area of our address space, of which a process may have 65,530 (vm.max_map_count): enough for 250 disks.
    static constexpr std::size_t kMaxBatches = 256;
    // A batch gives way to others only when none of so many requests asked for it: else a domain that uses more pages than
    // fit would have each mapped and unmapped every time, which costs more than to copy.
    static constexpr std::uint64_t kPatience = 512;

    PersistentGrants(GrantDevice& device, GrantBudget& budget, DomId domain) : device_{&device}, budget_{&budget}, domain_{domain} {}

    // Where the pages of `refs` are mapped, for reading and writing, in the order of `refs` (which may repeat): into `pages`,
    // valid for as long as the hold lives. What is new is mapped together. Nothing: they are not to be had this way.
    std::optional<Hold> hold(std::span<GrantRef const> refs, std::vector<std::byte*>& pages);

    std::size_t page_count() const { return places_.size(); }
    std::size_t batch_count() const { return batches_.size(); }

private:
    using Batches = std::list<std::shared_ptr<Batch>>;  // the most recently used first
    struct Place {
        Batches::iterator batch;
        std::size_t number;  // in the batch
    };

    bool locate(std::span<GrantRef const> refs, Hold& hold, std::vector<std::byte*>& pages);
    static std::size_t add_run(Batch const& batch, std::size_t number, std::span<GrantRef const> refs, std::vector<std::byte*>& pages);
    bool map_new();
    bool make_room(std::size_t pages);
    void forget(Batches::iterator batch);

    GrantDevice* device_;
    GrantBudget* budget_;
    DomId domain_;
    Batches batches_;
    std::unordered_map<std::uint32_t, Place> places_;  // by reference
    std::vector<GrantRef> new_refs_;                   // of the request at hand
    std::uint64_t requests_ = 0;
    bool is_refused_ = false;                          // the frontend named what it had not granted: nothing more is mapped
};

}  // namespace hospes::blkbackd
