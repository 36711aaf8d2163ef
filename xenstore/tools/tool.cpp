// SPDX-License-Identifier: Apache-2.0
#include "xenstore/tools/tool.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace hospes::xenstore::tools {

namespace {

constexpr usize kAny = 1'000'000;

constexpr std::array kTools{
    Tool{"chmod", "ru", "KEY PERMISSION...", 2, kAny, "set who may use a node: n0 r5 ... (-r: and all below it)", chmod},
    Tool{"control", "", "COMMAND [ARGUMENT...]", 1, kAny, "a command to xenstored itself: help", control},
    Tool{"exists", "", "KEY...", 1, kAny, "exit 0 if all are there, else 1", exists},
    Tool{"list", "fp", "[KEY...]", 0, kAny, "the names of the children (-p: with permissions)", list},
    Tool{"ls", "fp", "[KEY...]", 0, kAny, "a node and all below it (-f: full paths, -p: permissions)", ls},
    Tool{"read", "pR", "KEY...", 1, kAny, "the values (-p: with their keys, -R: as they are)", read},
    Tool{"rm", "t", "KEY...", 1, kAny, "remove nodes and all below them (-t: also parents left empty)", rm},
    Tool{"watch", "n:", "KEY...", 1, kAny, "print each change (-n COUNT: end after so many)", watch},
    Tool{"write", "R", "KEY VALUE [KEY VALUE...]", 2, kAny, "set values (-R: take them as they are)", write},
};

}  // namespace

std::span<Tool const> all_tools() { return kTools; }

Tool const* find_tool(std::string_view name) {
    auto const tool = std::ranges::find(kTools, name, &Tool::name);
    return tool == kTools.end() ? nullptr : &*tool;
}

std::string escaped(std::string_view value) {
    std::string text;
    for (char const c : value) {
        switch (c) {
            case '\n': text += "\\n"; break;
            case '\t': text += "\\t"; break;
            case '\r': text += "\\r"; break;
            case '\\': text += "\\\\"; break;
            default:
                if (c >= ' ' && c <= '~') {
                    text += c;
                } else {
                    text += fmt::format("\\{:03o}", static_cast<u8>(c));
                }
        }
    }
    return text;
}

}  // namespace hospes::xenstore::tools
