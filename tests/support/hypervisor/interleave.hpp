// SPDX-License-Identifier: Apache-2.0
// Runs actors in every order their steps can take. Each actor is a function that calls step() before each of its atomic steps; one actor
// runs at a time, so what happens between two calls of step() is indivisible.
#pragma once

#include <functional>
#include <vector>

namespace hospes::test {

class Step {
public:
    virtual void operator()() = 0;

protected:
    ~Step() = default;
};

using Actor = std::function<void(Step& step)>;

// For every order: start() makes a fresh world, the actors run, finish() judges. Returns the number of orders.
unsigned for_every_interleaving(std::function<void()> const& start, std::vector<Actor> const& actors, std::function<void()> const& finish);

}  // namespace hospes::test
