// SPDX-License-Identifier: Apache-2.0
#include "tests/support/hypervisor/interleave.hpp"

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

namespace hospes::test {

namespace {

// One run: actors are threads, and a baton says who may take its next step.
class Run {
public:
    explicit Run(std::vector<Actor> const& actors) : waiting_(actors.size(), false), done_(actors.size(), false) {
        for (unsigned i = 0; i < actors.size(); ++i) threads_.emplace_back([this, i, &actors] { play(i, actors[i]); });
        settle();
    }
    ~Run() {
        for (std::thread& thread : threads_) thread.join();
    }

    // Actors that have a step to take.
    std::vector<unsigned> choices() {
        std::vector<unsigned> ready;
        for (unsigned i = 0; i < done_.size(); ++i)
            if (!done_[i]) ready.push_back(i);
        return ready;
    }
    void take_step(unsigned actor) {
        {
            std::lock_guard const guard{mutex_};
            waiting_[actor] = false;
            baton_ = static_cast<int>(actor);
        }
        changed_.notify_all();
        settle();
    }

private:
    struct ActorStep final : Step {
        ActorStep(Run& run, unsigned actor) : run_{run}, actor_{actor} {}
        void operator()() override {
            std::unique_lock guard{run_.mutex_};
            run_.waiting_[actor_] = true;
            run_.baton_ = -1;
            run_.changed_.notify_all();
            run_.changed_.wait(guard, [&] { return run_.baton_ == static_cast<int>(actor_); });
        }
        Run& run_;
        unsigned actor_;
    };

    void play(unsigned index, Actor const& actor) {
        ActorStep step{*this, index};
        step();
        actor(step);
        std::lock_guard const guard{mutex_};
        done_[index] = true;
        baton_ = -1;
        changed_.notify_all();
    }
    // Waits until every actor has come to its next step, or to its end.
    void settle() {
        std::unique_lock guard{mutex_};
        changed_.wait(guard, [&] {
            for (unsigned i = 0; i < done_.size(); ++i)
                if (!done_[i] && !waiting_[i]) return false;
            return true;
        });
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<bool> waiting_;
    std::vector<bool> done_;
    int baton_ = -1;
    std::vector<std::thread> threads_;
};

}  // namespace

unsigned for_every_interleaving(std::function<void()> const& start, std::vector<Actor> const& actors, std::function<void()> const& finish) {
    struct Choice {
        unsigned taken;
        unsigned count;
    };
    std::vector<Choice> path;
    for (unsigned runs = 1;; ++runs) {
        start();
        {
            Run run{actors};
            for (unsigned depth = 0;; ++depth) {
                std::vector<unsigned> const ready = run.choices();
                if (ready.empty()) break;
                if (depth == path.size()) path.push_back({0, static_cast<unsigned>(ready.size())});
                run.take_step(ready[path[depth].taken]);
            }
        }
        finish();
        while (!path.empty() && path.back().taken + 1 == path.back().count) path.pop_back();
        if (path.empty()) return runs;
        ++path.back().taken;
    }
}

}  // namespace hospes::test
