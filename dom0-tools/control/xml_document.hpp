// SPDX-License-Identifier: Apache-2.0
// libxml2's tree, owned: no network, no entities, no document type declaration, at most 1 MiB.
#pragma once

#include "dom0-tools/base/result.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

struct _xmlDoc;
struct _xmlNode;
struct _xmlAttr;

namespace hospes::control {

struct XmlAttribute {
    std::string name;
    std::string value;
    bool has_namespace = false;
};

/// An element of a document; valid as long as the document.
class XmlElement {
public:
    explicit XmlElement(_xmlNode* node) : node_{node} {}

    std::string_view name() const;
    int line() const;
    bool has_namespace() const;
    /// The text directly inside, without blanks at both ends.
    std::string text() const;
    std::vector<XmlElement> children() const;
    std::vector<XmlAttribute> attributes() const;
    std::optional<XmlElement> child(std::string_view name) const;
    std::optional<std::string> attribute(std::string_view name) const;

private:
    _xmlNode* node_;
};

class XmlDocument {
public:
    /// Parses `text`; `file` is only for messages, which have the form "file:line: what is wrong".
    static Result<XmlDocument> parse(std::string const& text, std::string const& file);

    XmlElement root() const;

private:
    struct Free {
        void operator()(_xmlDoc* document) const;
    };
    explicit XmlDocument(_xmlDoc* document) : document_{document} {}
    std::unique_ptr<_xmlDoc, Free> document_;
};

}  // namespace hospes::control
