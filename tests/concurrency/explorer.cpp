// SPDX-License-Identifier: Apache-2.0
#include "tests/concurrency/explorer.hpp"

#include <ucontext.h>

namespace hospes::explorer {
namespace {

constexpr unsigned kStackBytes = 256 << 10;
constexpr unsigned long kMostSteps = 20'000;  // of one run: more is a livelock

// A step that an actor, or its store buffer, will take next.
struct Op {
    void const* where = nullptr;  // null: depends on everything
    bool writes = false;
};

struct BufferedStore {
    void* where;
    unsigned size;
    unsigned long value;
};

struct Actor {
    ucontext_t context;
    std::vector<char> stack = std::vector<char>(kStackBytes);
    std::function<void()> const* body = nullptr;
    Op next;
    std::function<bool()> condition;  // empty: can go on
    bool goes_on_alone = false;       // condition does not count when nobody else can go on
    bool is_done = false;
    std::vector<BufferedStore> stores;
    void const* last_read = nullptr;
    unsigned long last_read_version = 0;
    unsigned tag = 0;
    std::string error;
};

// Bit i: actor i; bit kMostActors + i: the store buffer of actor i.
using Movers = unsigned;
constexpr unsigned kMovers = 2 * kMostActors;

struct Node {
    Movers left = 0;    // may still be tried here
    Movers asleep = 0;  // need not be tried: what they would do has been tried elsewhere
    Movers tried = 0;
    unsigned chosen = 0;
    unsigned preferred = 0;    // going on like this is no preemption
    bool is_forced = false;    // the last actor cannot go on: nobody is preempted
    unsigned preemptions = 0;  // until here
    std::array<Op, kMovers> ops{};
};

struct Sharing {
    Movers readers = 0, writers = 0;
    bool is_shared = false;
};

class Search {
public:
    Search(Scenario const& scenario, Limits const& limits)
        : scenario_{scenario}, limits_{limits}, actors_(scenario.actors.size()) {}

    Verdict run();

    // Called by actors.
    void step(void const* where, bool writes);
    bool buffer_store(void* where, unsigned size, unsigned long value);
    bool find_buffered(void const* where, unsigned long& value) const;
    void drain();
    void wait(Op op, std::function<bool()> condition, bool goes_on_alone);
    void wait_for_change();

    static Search* active;
    Actor* current = nullptr;
    unsigned long version = 0;  // of all memory

private:
    static void enter();
    unsigned index_of(Actor const& actor) const { return static_cast<unsigned>(&actor - actors_.data()); }
    bool note(void const* where, bool writes);
    void park(Op op);
    void resume(unsigned actor);
    void perform(unsigned mover);
    void take_oldest(Actor& actor);
    Movers enabled() const;
    Op op_of(unsigned mover) const;
    static bool are_independent(unsigned a, Op const& op_a, unsigned b, Op const& op_b);
    static Movers sleepers_after(Node const& node);
    unsigned natural_successor(Movers movers) const;
    bool is_of_last_actor(unsigned mover) const;
    static unsigned cost(Node const& node) { return node.is_forced || node.chosen == node.preferred ? 0 : 1; }
    bool choose(size_t depth, Movers asleep);
    void play();
    void play_to_end();
    bool passes_check();
    bool backtrack();
    void fail(std::string const& what);

    Scenario const& scenario_;
    Limits const& limits_;
    std::vector<Actor> actors_;
    ucontext_t main_{};
    std::vector<Node> path_;
    std::vector<unsigned> taken_;
    std::unordered_map<void const*, Sharing> sharing_;
    std::unordered_map<void const*, unsigned long> versions_;
    bool has_grown_ = false;  // the set of shared words
    unsigned long steps_ = 0;
    Verdict verdict_;
};

Search* Search::active = nullptr;
unsigned main_tag = 0;

void Search::enter() {
    Actor& self = *active->current;
    try {
        (*self.body)();
        active->drain();
    } catch (std::exception const& error) {
        self.error = error.what();
    }
    self.is_done = true;
    swapcontext(&self.context, &active->main_);
}

// Is it a word that others share? Remembers who does.
bool Search::note(void const* where, bool writes) {
    Sharing& sharing = sharing_[where];
    Movers const bit = 1u << index_of(*current);
    (writes ? sharing.writers : sharing.readers) |= bit;
    Movers const others = (sharing.readers | sharing.writers) & ~bit;
    if (!sharing.is_shared && others != 0 && sharing.writers != 0) sharing.is_shared = has_grown_ = true;
    return sharing.is_shared;
}

void Search::park(Op op) {
    current->next = op;
    Actor& self = *current;
    swapcontext(&self.context, &main_);
}

void Search::step(void const* where, bool writes) {
    if (!note(where, writes)) return;
    park({where, writes});
    if (writes) {
        versions_[where] = ++version;
    } else {
        current->last_read = where;
        current->last_read_version = versions_[where];
    }
}

bool Search::buffer_store(void* where, unsigned size, unsigned long value) {
    if (!note(where, true)) return false;
    current->stores.push_back({where, size, value});
    return true;
}

bool Search::find_buffered(void const* where, unsigned long& value) const {
    for (auto store = current->stores.rbegin(); store != current->stores.rend(); ++store) {
        if (store->where != where) continue;
        value = store->value;
        return true;
    }
    return false;
}

void Search::take_oldest(Actor& actor) {
    BufferedStore const store = actor.stores.front();
    actor.stores.erase(actor.stores.begin());
    std::memcpy(store.where, &store.value, store.size);
    versions_[store.where] = ++version;
}

void Search::drain() {
    while (!current->stores.empty()) {
        park({current->stores.front().where, true});
        if (!current->stores.empty()) take_oldest(*current);  // the buffer may have done it meanwhile
    }
}

void Search::wait(Op op, std::function<bool()> condition, bool goes_on_alone) {
    drain();
    current->condition = std::move(condition);
    current->goes_on_alone = goes_on_alone;
    park(op);
    current->condition = nullptr;
    current->goes_on_alone = false;
}

void Search::wait_for_change() {
    void const* const where = current->last_read;
    unsigned long const seen = current->last_read_version;
    wait({where, false}, [this, where, seen] { return versions_[where] != seen; }, false);
}

Movers Search::enabled() const {
    Movers movers = 0;
    Movers last_resort = 0;
    for (unsigned i = 0; i < actors_.size(); ++i) {
        Actor const& actor = actors_[i];
        if (!actor.stores.empty()) movers |= 1u << (kMostActors + i);
        if (actor.is_done) continue;
        if (!actor.condition || actor.condition()) movers |= 1u << i;
        else if (actor.goes_on_alone) last_resort |= 1u << i;
    }
    return movers != 0 ? movers : last_resort;
}

Op Search::op_of(unsigned mover) const {
    if (mover < kMostActors) return mover < actors_.size() ? actors_[mover].next : Op{};
    unsigned const i = mover - kMostActors;
    return i < actors_.size() && !actors_[i].stores.empty() ? Op{actors_[i].stores.front().where, true} : Op{};
}

bool Search::are_independent(unsigned a, Op const& op_a, unsigned b, Op const& op_b) {
    if (a % kMostActors == b % kMostActors || op_a.where == nullptr || op_b.where == nullptr) return false;
    return op_a.where != op_b.where || (!op_a.writes && !op_b.writes);
}

// Who need not be tried behind `node`: what they would do has been tried before, and what was done now makes no difference to it.
Movers Search::sleepers_after(Node const& node) {
    Movers result = 0;
    for (unsigned mover = 0; mover < kMovers; ++mover) {
        if (((node.asleep | node.tried) >> mover & 1) == 0 || mover == node.chosen) continue;
        if (are_independent(mover, node.ops[mover], node.chosen, node.ops[node.chosen])) result |= 1u << mover;
    }
    return result;
}

void Search::resume(unsigned actor) {
    current = &actors_[actor];
    swapcontext(&main_, &current->context);
    current = nullptr;
    if (!actors_[actor].error.empty()) fail(actors_[actor].error);
}

void Search::perform(unsigned mover) {
    ++verdict_.steps;
    taken_.push_back(mover);
    if (mover >= kMostActors) take_oldest(actors_[mover - kMostActors]);
    else resume(mover);
}

// Who goes on if nobody is made to wait: the store buffer of the last actor, then it, then the first that can.
unsigned Search::natural_successor(Movers movers) const {
    unsigned const actor = taken_.empty() ? 0 : taken_.back() % kMostActors;
    if ((movers >> (kMostActors + actor) & 1) != 0) return kMostActors + actor;
    if ((movers >> actor & 1) != 0) return actor;
    return static_cast<unsigned>(std::countr_zero(movers));
}

// The mover at `depth`; a new node when the path ends. False: all that could be done here has been tried elsewhere.
bool Search::choose(size_t depth, Movers asleep) {
    if (depth < path_.size()) return true;
    Node node;
    Movers const movers = enabled() & ~asleep;
    if (movers == 0) return false;
    node.asleep = asleep;
    for (unsigned mover = 0; mover < kMovers; ++mover) node.ops[mover] = op_of(mover);
    node.preferred = node.chosen = natural_successor(movers);
    if (depth > 0) node.preemptions = path_[depth - 1].preemptions + cost(path_[depth - 1]);
    node.is_forced = !is_of_last_actor(node.preferred);
    node.left = node.is_forced || node.preemptions < limits_.preemptions ? movers : 1u << node.preferred;
    path_.push_back(node);
    return true;
}

// Is this the actor, or the buffer of the actor, that went on last?
bool Search::is_of_last_actor(unsigned mover) const { return !taken_.empty() && mover % kMostActors == taken_.back() % kMostActors; }

void Search::fail(std::string const& what) {
    ++verdict_.failures;
    if (!verdict_.first_failure.empty()) return;
    std::ostringstream text;
    text << what << "; steps of actors (s: its store buffer):";
    for (unsigned const mover : taken_) text << ' ' << mover % kMostActors << (mover >= kMostActors ? "s" : "");
    verdict_.first_failure = text.str();
}

// One run along the path, and on from its end.
void Search::play() {
    scenario_.start();
    versions_.clear();
    taken_.clear();
    for (unsigned i = 0; i < actors_.size(); ++i) {
        Actor& actor = actors_[i];
        actor.body = &scenario_.actors[i];
        actor.is_done = false;
        actor.condition = nullptr;
        actor.stores.clear();
        actor.error.clear();
        getcontext(&actor.context);
        actor.context.uc_stack.ss_sp = actor.stack.data();
        actor.context.uc_stack.ss_size = actor.stack.size();
        actor.context.uc_link = nullptr;
        makecontext(&actor.context, &Search::enter, 0);
        resume(i);
    }
    bool is_new = true;
    Movers asleep = 0;
    for (size_t depth = 0; enabled() != 0; ++depth) {
        if (depth == kMostSteps) {
            fail("it does not come to an end");
            break;
        }
        is_new = choose(depth, asleep);
        if (!is_new) break;
        Node const node = path_[depth];
        if (limits_.preemptions == kUnlimited) asleep = sleepers_after(node);
        perform(node.chosen);
        if (!passes_check()) break;
    }
    if (is_new) {
        ++verdict_.orders;
        std::string const wrong = scenario_.judge();
        if (!wrong.empty()) fail(wrong);
    }
    play_to_end();
}

bool Search::passes_check() {
    std::string const wrong = scenario_.check ? scenario_.check() : "";
    if (!wrong.empty()) fail(wrong);
    return wrong.empty();
}

// In any order, so that all actors return.
void Search::play_to_end() {
    scenario_.end();
    unsigned last = 0;
    for (unsigned long i = 0; i < kMostSteps; ++i) {
        Movers const movers = enabled();
        if (movers == 0) break;
        do last = (last + 1) % kMovers;
        while ((movers >> last & 1) == 0);
        if (last >= kMostActors) take_oldest(actors_[last - kMostActors]);
        else resume(last);
    }
    for (Actor const& actor : actors_) {
        if (!actor.is_done) throw std::logic_error{"explorer: an actor does not return"};
    }
    scenario_.finish();
}

// To the deepest node where something else can be tried. False: all is done.
bool Search::backtrack() {
    while (!path_.empty()) {
        Node& node = path_.back();
        node.tried |= 1u << node.chosen;
        Movers const left = node.left & ~node.tried;
        if (left != 0) {
            node.chosen = static_cast<unsigned>(std::countr_zero(left));
            return true;
        }
        path_.pop_back();
    }
    return false;
}

Verdict Search::run() {
    active = this;
    do {
        play();
        if (has_grown_) {  // some words were taken for private: from the start again
            has_grown_ = false;
            path_.clear();
            verdict_ = Verdict{};
            continue;
        }
        if (verdict_.failures > 0 && !limits_.counts_failures) break;
        if (verdict_.orders > limits_.orders) {
            fail("more orders than can be tried");
            break;
        }
        if (!backtrack()) break;
    } while (true);
    active = nullptr;
    return verdict_;
}

bool is_in_actor() { return Search::active != nullptr && Search::active->current != nullptr; }

}  // namespace

void step(void const* where, bool writes) {
    if (is_in_actor()) Search::active->step(where, writes);
}
bool buffer_store(void* where, unsigned size, unsigned long value) { return is_in_actor() && Search::active->buffer_store(where, size, value); }
bool find_buffered(void const* where, unsigned long& value) { return is_in_actor() && Search::active->find_buffered(where, value); }
void drain() {
    if (is_in_actor()) Search::active->drain();
}

Verdict explore(Scenario const& scenario, Limits const& limits) { return Search{scenario, limits}.run(); }

void wait_until(void const* where, std::function<bool()> const& condition) { Search::active->wait({where, false}, condition, false); }

void wait_for_change() {
    if (!is_in_actor()) throw std::logic_error{"outside of the explorer nobody waits"};
    Search::active->wait_for_change();
}

void step_aside() {
    unsigned long const seen = Search::active->version;
    Search* const search = Search::active;
    search->wait({}, [search, seen] { return search->version != seen; }, true);
}

unsigned& actor_tag() { return is_in_actor() ? Search::active->current->tag : main_tag; }

}  // namespace hospes::explorer
