// SPDX-License-Identifier: Apache-2.0
// processes [ROUNDS]: TSC ticks of fork+exec+exit+wait, and of a context switch between two processes over pipes. Under
// -icount shift=0 a tick is an instruction. With "exit" as its only word it ends at once: that is what is executed.
#include "common.hpp"

#include <sys/wait.h>
#include <unistd.h>
#include <x86intrin.h>

#include <algorithm>
#include <cstring>

namespace {

using namespace bench;
constexpr int kAttempts = 5;

/// The least mean of several measurements of `rounds` rounds each.
template <class Operation> double least(int rounds, Operation const& operation) {
    double best = 1e18;
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
        auto const start = __rdtsc();
        for (int i = 0; i < rounds; ++i) operation();
        best = std::min(best, static_cast<double>(__rdtsc() - start) / rounds);
    }
    return best;
}

void fork_exec(char const* self) {
    pid_t const child = ::vfork();
    if (child < 0) give_up("vfork");
    if (child == 0) {
        ::execl(self, self, "exit", nullptr);
        ::_exit(127);
    }
    int status = 0;
    if (::waitpid(child, &status, 0) != child || status != 0) give_up("child");
}

void fork_only() {
    pid_t const child = ::fork();
    if (child < 0) give_up("fork");
    if (child == 0) ::_exit(0);
    int status = 0;
    if (::waitpid(child, &status, 0) != child || status != 0) give_up("child");
}

/// A token goes there and back: two switches a round.
double ping_pong(int rounds) {
    int there[2], back[2];
    if (::pipe(there) != 0 || ::pipe(back) != 0) give_up("pipe");
    pid_t const child = ::fork();
    if (child < 0) give_up("fork");
    char token = 0;
    if (child == 0) {
        ::close(there[1]);
        while (::read(there[0], &token, 1) == 1 && ::write(back[1], &token, 1) == 1) {}
        ::_exit(0);
    }
    ::close(there[0]);
    double const ticks = least(rounds, [&] {
        if (::write(there[1], &token, 1) != 1 || ::read(back[0], &token, 1) != 1) give_up("token");
    });
    ::close(there[1]);
    ::waitpid(child, nullptr, 0);
    return ticks / 2;
}

}  // namespace

int main(int count, char** words) {
    if (count == 2 && std::strcmp(words[1], "exit") == 0) return 0;
    int const rounds = count > 1 ? std::atoi(words[1]) : 50;
    figure("fork_exec_exit_wait", least(rounds, [&] { fork_exec("/proc/self/exe"); }));
    figure("fork_exit_wait", least(rounds, fork_only));
    figure("context_switch", ping_pong(rounds * 10));
    return 0;
}
