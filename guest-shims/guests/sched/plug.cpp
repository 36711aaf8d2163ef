// SPDX-License-Identifier: Apache-2.0
#include "plug.hpp"

#include "player.hpp"
#include "steps.hpp"

namespace hospes::guest {
namespace {

constexpr u64 kPatience = 60'000 * kNsPerMs;

bool has_answered = false;

bool answers(EventPort port) {
    const u64 deadline = system_time_ns() + kPatience;
    has_answered = false;
    require(send_event(port), "send");
    while (!has_answered && system_time_ns() < deadline) {
        static_cast<void>(hv::set_timer_op(deadline));
        static_cast<void>(wait_for_event());
    }
    return has_answered;
}

}  // namespace

void plug_and_unplug(u64 rounds) {
    Player pair{2};
    EventPort local{}, remote{};
    require(pair.usable() ? 0 : kENOMEM, "the domain of two vcpus");
    require(connect(pair, local, remote), "connect");
    require(pair.load(player_plug, remote), "load");
    require(pair.load_second(), "load");
    require(pair.unpause(), "unpause");
    set_event_handler(local, [](EventPort, void *) { has_answered = true; }, nullptr);
    unmask_port(local);
    u64 answered = 0;
    for (; answered < rounds; ++answered) {
        require(pair.pin(0, answered % 2), "pin");
        require(pair.pin(1, answered / 2 % 2), "pin");
        if (!answers(local)) break;
    }
    const u64 deadline = system_time_ns() + kPatience;
    while (pair.count() <= answered && system_time_ns() < deadline) static_cast<void>(sleep_until(system_time_ns() + kNsPerMs));
    figure("plug_answers", answered);
    figure("plug_runs", pair.count());
    static_cast<void>(close_port(local));
}

}  // namespace hospes::guest
