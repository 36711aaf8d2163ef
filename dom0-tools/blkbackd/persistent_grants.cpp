// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/blkbackd/persistent_grants.hpp"

#include <algorithm>
#include <cerrno>

namespace hospes::blkbackd {

// Pages that were mapped together, and will be unmapped together.
struct PersistentGrants::Batch {
    GrantMapping mapping;
    std::vector<GrantRef> refs;
    std::uint64_t last_request;
    GrantBudget* budget;

    ~Batch() { budget->give_back(refs.size()); }
};

std::optional<PersistentGrants::Hold> PersistentGrants::hold(std::span<GrantRef const> refs, std::vector<std::byte*>& pages) {
    ++requests_;
    note_use(refs);
    if (!new_refs_.empty() && !map_new()) return std::nullopt;
    Hold hold;
    pages.clear();
    for (auto const ref : refs) {
        auto const& place = places_.at(ref.raw());
        pages.push_back(place.page);
        if (hold.batches_.empty() || hold.batches_.back() != *place.batch) hold.batches_.push_back(*place.batch);
    }
    return hold;
}

// What is mapped becomes the most recently used; what is not is gathered, each reference once.
void PersistentGrants::note_use(std::span<GrantRef const> refs) {
    new_refs_.clear();
    for (auto const ref : refs) {
        auto const found = places_.find(ref.raw());
        if (found == places_.end()) {
            new_refs_.push_back(ref);
            continue;
        }
        auto const batch = found->second.batch;
        (*batch)->last_request = requests_;
        batches_.splice(batches_.begin(), batches_, batch);
    }
    std::ranges::sort(new_refs_);
    auto const repeated = std::ranges::unique(new_refs_);
    new_refs_.erase(repeated.begin(), repeated.end());
}

bool PersistentGrants::map_new() {
    if (is_refused_ || !make_room(new_refs_.size()) || !budget_->take(new_refs_.size())) return false;
    auto mapping = device_->map(domain_, new_refs_, Access::read_write);
    if (!mapping) {
        budget_->give_back(new_refs_.size());
        is_refused_ = mapping.error().code() != ENOMEM;
        return false;
    }
    batches_.push_front(std::make_shared<Batch>(*std::move(mapping), new_refs_, requests_, budget_));
    auto const& batch = *batches_.front();
    for (std::size_t i = 0; i < new_refs_.size(); ++i) places_.insert({new_refs_[i].raw(), {batches_.begin(), batch.mapping.page(i)}});
    return true;
}

// The longest unused go; those in use, by this request or another whose I/O is under way, never.
bool PersistentGrants::make_room(std::size_t pages) {
    auto const fits = [&] { return places_.size() + pages <= kMaxPages && batches_.size() < kMaxBatches; };
    for (auto next = batches_.end(); !fits();) {
        if (next == batches_.begin()) return false;
        auto const batch = --next;
        if (requests_ - (*batch)->last_request <= kPatience) return false;
        if (batch->use_count() > 1) continue;
        ++next;
        forget(batch);
    }
    return true;
}

void PersistentGrants::forget(Batches::iterator batch) {
    for (auto const ref : (*batch)->refs) places_.erase(ref.raw());
    batches_.erase(batch);
}

}  // namespace hospes::blkbackd
