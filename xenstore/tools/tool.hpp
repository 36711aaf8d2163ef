// SPDX-License-Identifier: Apache-2.0
// The tools of hospes-xenstore: one row each. The program's own name picks the tool, else its first argument does.
#pragma once

#include "xenstore/client/client.hpp"

#include <span>
#include <string>
#include <string_view>

namespace hospes::xenstore::tools {

// What a tool was called with: options are single letters (as a string of those given), the rest are operands.
struct Invocation {
    std::string_view tool;
    std::string options;
    int watch_limit = -1;  // -n of xenstore-watch: end after so many events; -1: never
    std::vector<std::string> operands;

    bool has(char option) const { return options.find(option) != std::string::npos; }
};

struct Tool {
    std::string_view name;
    std::string_view options;   // the letters it knows; a colon follows one with a value
    std::string_view operands;  // for the usage line
    usize least_operands;
    usize most_operands;
    std::string_view summary;
    Result<int> (*run)(Client& client, Invocation const& invocation);  // returns the exit status
};

std::span<Tool const> all_tools();
// The tool of that name, or null.
Tool const* find_tool(std::string_view name);

// Values are shown on one line: what does not print appears as \n, \t, \r, \\ or an octal escape.
std::string escaped(std::string_view value);

// tree_tools.cpp
Result<int> ls(Client& client, Invocation const& invocation);
Result<int> list(Client& client, Invocation const& invocation);
Result<int> rm(Client& client, Invocation const& invocation);
Result<int> chmod(Client& client, Invocation const& invocation);
// value_tools.cpp
Result<int> read(Client& client, Invocation const& invocation);
Result<int> write(Client& client, Invocation const& invocation);
Result<int> exists(Client& client, Invocation const& invocation);
Result<int> watch(Client& client, Invocation const& invocation);
Result<int> control(Client& client, Invocation const& invocation);

}  // namespace hospes::xenstore::tools
