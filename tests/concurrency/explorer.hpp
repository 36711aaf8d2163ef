// SPDX-License-Identifier: Apache-2.0
// Runs actors, which are functions that share memory through the core's own code, in every order of their atomic accesses, with x86's
// store buffers. Accesses to words that only one actor changes or sees are no steps. Either in all orders that can make a difference
// (a depth-first search with sleep sets, Godefroid 1996), or, where those are too many, in all orders with a few preemptions (Musuvathi
// and Qadeer 2007).
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace hospes::explorer {

struct Scenario {
    std::function<void()> start;                // makes a fresh world, always at the same addresses
    std::vector<std::function<void()>> actors;  // at most kMostActors
    std::function<std::string()> check = nullptr;  // after each step: what must hold at any moment, and does not
    // Nobody can go on, but for those that wait for good (wait_until): what is wrong, or nothing.
    std::function<std::string()> judge;
    std::function<void()> end;  // after the judgement: lets those go on that wait
    std::function<void()> finish;  // all actors have returned
};

struct Verdict {
    unsigned long orders = 0;      // complete runs
    unsigned long steps = 0;
    unsigned long failures = 0;
    std::string first_failure;     // what was wrong, and the order of steps that led to it
};

inline constexpr unsigned kMostActors = 3;

inline constexpr unsigned kUnlimited = ~0u;

struct Limits {
    // How often in a run an actor that could go on may be made to wait, by another one or for its store buffer. Unlimited: all orders.
    unsigned preemptions = kUnlimited;
    // More orders than this are a failure: then nothing is proved.
    unsigned long orders = 1'000'000;
    // Else the first failure ends the search.
    bool counts_failures = false;
};

Verdict explore(Scenario const& scenario, Limits const& limits);

// For actors: waits until `condition`, which others make true by a step that writes `where`.
void wait_until(void const* where, std::function<bool()> const& condition);
// Waits until the word that the actor read last has been written (a spinning lock).
void wait_for_change();
// Waits until anybody has written anything; if nobody else can go on, not at all.
void step_aside();

// The number that an actor gave itself; outside of actors that of the main program.
unsigned& actor_tag();

// What memory holds, past all store buffers, without a step.
template <typename Atomic, typename T>
bool holds(Atomic const& word, T value) {
    return *reinterpret_cast<T const volatile*>(&word) == value;
}

}  // namespace hospes::explorer
