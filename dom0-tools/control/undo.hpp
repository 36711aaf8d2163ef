// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "dom0-tools/base/result.hpp"

#include <spdlog/spdlog.h>

#include <functional>
#include <string>
#include <vector>

namespace hospes::control {

/// Steps to take back, the last one first, unless keep() says that all went well. What cannot be taken back is logged:
/// the error that led here stays the one that is told.
class Undo {
public:
    Undo() = default;
    Undo(Undo const&) = delete;
    Undo& operator=(Undo const&) = delete;
    ~Undo() {
        for (auto step = steps_.rbegin(); step != steps_.rend(); ++step) {
            if (auto const done = step->run(); !done) spdlog::warn("undo: {}: {}", step->what, done.error().message());
        }
    }

    void add(std::string what, std::function<Status()> run) { steps_.push_back({std::move(what), std::move(run)}); }
    void keep() { steps_.clear(); }

private:
    struct Step {
        std::string what;
        std::function<Status()> run;
    };
    std::vector<Step> steps_;
};

}  // namespace hospes::control
