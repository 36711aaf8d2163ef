// SPDX-License-Identifier: Apache-2.0
// Where a node is. A Path is absolute and well-formed: who holds one need not check it again.
#pragma once

#include "hypervisor/base/types.hpp"
#include "xenstore/wire/error_name.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace hospes::xenstore {

class Path {
public:
    // The root.
    Path() : text_{"/"} {}

    // Reads what a client sent. A name without a leading slash lies below `home`, which is an absolute path.
    // EINVAL: a character outside [A-Za-z0-9-/_@], an empty component, a slash at the end, too long, or a special name ("@...").
    static WireResult<Path> parse(std::string_view text, std::string_view home);

    std::string const& text() const { return text_; }
    bool is_root() const { return text_.size() == 1; }
    std::string_view name() const;  // the last component; empty for the root
    Path parent() const;            // of the root: the root
    Path child(std::string_view name) const;

    friend auto operator<=>(Path const&, Path const&) = default;

private:
    explicit Path(std::string text) : text_{std::move(text)} {}
    std::string text_;
};

// The longest path a client may use, not counting a leading "/local/domain/<domid>/".
inline constexpr usize kPathMax = 2048;

// Walks the components of an absolute path from the root down.
class Components {
public:
    explicit Components(std::string_view path) : path_{path} {}
    // Starts after `passed`, which is the root or a path above `path`.
    Components(std::string_view path, std::string_view passed) : path_{path}, position_{passed == "/" ? 0 : passed.size()} {}
    // The next component, or nothing at the end.
    std::optional<std::string_view> next();
    // The part of the path that next() has gone through.
    std::string_view passed() const { return position_ == 0 ? "/" : path_.substr(0, position_); }

private:
    std::string_view path_;
    usize position_ = 0;  // of the slash before the next component
};

}  // namespace hospes::xenstore
