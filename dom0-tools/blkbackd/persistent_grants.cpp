// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/blkbackd/persistent_grants.hpp"

#include <algorithm>
#include <cerrno>

namespace hospes::blkbackd {

// Pages that were mapped together, in the order of their references, and will be unmapped together.
struct PersistentGrants::Batch {
    GrantMapping mapping;
    std::vector<GrantRef> refs;
    std::uint64_t last_request;
    GrantBudget* budget;

    ~Batch() { budget->give_back(refs.size()); }

    bool has(std::size_t number, GrantRef ref) const { return number < refs.size() && refs[number] == ref; }
};

std::optional<PersistentGrants::Hold> PersistentGrants::hold(std::span<GrantRef const> refs, std::vector<std::byte*>& pages) {
    ++requests_;
    Hold hold;
    if (!locate(refs, hold, pages) && !(map_new() && locate(refs, hold, pages))) return std::nullopt;
    return hold;
}

// What is mapped becomes the most recently used; what is not is gathered. True if there is nothing of that.
bool PersistentGrants::locate(std::span<GrantRef const> refs, Hold& hold, std::vector<std::byte*>& pages) {
    hold.batches_.clear();
    pages.clear();
    new_refs_.clear();
    while (!refs.empty()) {
        auto const found = places_.find(refs[0].raw());
        if (found == places_.end()) {
            new_refs_.push_back(refs[0]);
            refs = refs.subspan(1);
            continue;
        }
        auto const& [batch, number] = found->second;
        (*batch)->last_request = requests_;
        batches_.splice(batches_.begin(), batches_, batch);
        if (hold.batches_.empty() || hold.batches_.back() != *batch) hold.batches_.push_back(*batch);
        refs = refs.subspan(add_run(**batch, number, refs, pages));
    }
    return new_refs_.empty();
}

// The page of the first reference, and those of the next ones for as long as they stand beside it in the batch, so that each need not be
// looked up. Returns how many. Linux's frontend keeps its pages on a stack: every other time it names them backwards.
std::size_t PersistentGrants::add_run(Batch const& batch, std::size_t number, std::span<GrantRef const> refs, std::vector<std::byte*>& pages) {
    std::size_t const step = refs.size() > 1 && batch.has(number + 1, refs[1]) ? 1 : std::size_t{0} - 1;
    std::size_t count = 0;
    do {
        pages.push_back(batch.mapping.page(number));
        number += step;
    } while (++count < refs.size() && batch.has(number, refs[count]));
    return count;
}

bool PersistentGrants::map_new() {
    std::ranges::sort(new_refs_);
    auto const repeated = std::ranges::unique(new_refs_);
    new_refs_.erase(repeated.begin(), repeated.end());
    if (is_refused_ || !make_room(new_refs_.size()) || !budget_->take(new_refs_.size())) return false;
    auto mapping = device_->map(domain_, new_refs_, Access::read_write);
    if (!mapping) {
        budget_->give_back(new_refs_.size());
        is_refused_ = mapping.error().code() != ENOMEM;
        return false;
    }
    batches_.push_front(std::make_shared<Batch>(*std::move(mapping), new_refs_, requests_, budget_));
    for (std::size_t number = 0; number < new_refs_.size(); ++number) places_.insert({new_refs_[number].raw(), {batches_.begin(), number}});
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
