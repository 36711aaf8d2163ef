// SPDX-License-Identifier: Apache-2.0
// stopwatch NAME [-f FILE TEXT NAME]... -- COMMAND...: the milliseconds from the start of a command to its return, and to
// the moment a text is in a file (looked for behind what the file holds already, every 5 ms).
#include "common.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

namespace {

using namespace bench;
constexpr double kPatience = 550;  // seconds
constexpr useconds_t kPause = 5000;

/// A text awaited in a file that grows, and may not be there yet.
struct Awaited {
    std::string path, text, name;
    off_t from;
    bool seen = false;

    void look(double milliseconds) {
        struct stat info{};
        if (seen || ::stat(path.c_str(), &info) != 0 || info.st_size <= from) return;
        int const file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
        if (file < 0) return;
        std::string content(static_cast<size_t>(info.st_size - from), '\0');
        ssize_t const size = ::pread(file, content.data(), content.size(), from);
        ::close(file);
        if (size <= 0 || std::string_view{content}.find(text) == std::string_view::npos) return;
        seen = true;
        figure(name, milliseconds);
    }
};

pid_t start(char** command) {
    pid_t const child = ::fork();
    if (child < 0) give_up("fork");
    if (child == 0) {
        ::execvp(command[0], command);
        give_up(command[0]);
    }
    return child;
}

off_t size_of(char const* path) {
    struct stat info{};
    return ::stat(path, &info) == 0 ? info.st_size : 0;
}

}  // namespace

int main(int count, char** words) {
    std::vector<Awaited> awaited;
    int at = 2;
    for (; at + 3 < count && std::strcmp(words[at], "-f") == 0; at += 4)
        awaited.push_back({words[at + 1], words[at + 2], words[at + 3], size_of(words[at + 1])});
    if (at + 1 >= count || std::strcmp(words[at], "--") != 0) return 2;

    auto const begin = Clock::now();
    pid_t const child = start(words + at + 1);
    bool returned = false;
    for (bool waiting = true; waiting; ::usleep(kPause)) {
        double const now = seconds_since(begin);
        int status = 0;
        if (!returned && ::waitpid(child, &status, WNOHANG) == child) {
            returned = true;
            figure(words[1], seconds_since(begin) * 1000);
            if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) return 1;
        }
        waiting = !returned;
        for (auto& text : awaited) {
            text.look(seconds_since(begin) * 1000);
            waiting = waiting || !text.seen;
        }
        if (now > kPatience) return 3;
    }
    return 0;
}
