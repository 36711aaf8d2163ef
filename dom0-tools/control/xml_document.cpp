// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/control/xml_document.hpp"

#include <libxml/parser.h>
#include <libxml/tree.h>
#include <libxml/xmlerror.h>

namespace hospes::control {
namespace {

constexpr std::size_t kMaximumSize = 1 << 20;

std::string_view view(xmlChar const* text) {
    return text == nullptr ? std::string_view{} : std::string_view{reinterpret_cast<char const*>(text)};
}

std::string trimmed(std::string_view text) {
    constexpr std::string_view kBlank = " \t\r\n";
    auto const first = text.find_first_not_of(kBlank);
    if (first == std::string_view::npos) return {};
    return std::string{text.substr(first, text.find_last_not_of(kBlank) - first + 1)};
}

struct FirstError {
    int line = 0;
    std::string message;
};

// Of libxml2's errors the first one is the cause, the rest are its echoes.
void remember_first(void* context, xmlErrorPtr error) {
    auto& first = *static_cast<FirstError*>(context);
    if (first.message.empty()) first = {error->line, trimmed(view(reinterpret_cast<xmlChar const*>(error->message)))};
}

// libxml2's error handler is a setting of the thread: put it back when done.
class ErrorCapture {
public:
    ErrorCapture() { xmlSetStructuredErrorFunc(&first_, remember_first); }
    ~ErrorCapture() { xmlSetStructuredErrorFunc(nullptr, nullptr); }
    ErrorCapture(ErrorCapture const&) = delete;
    ErrorCapture& operator=(ErrorCapture const&) = delete;
    FirstError const& first() const { return first_; }

private:
    FirstError first_;
};

std::string text_of(xmlNode const* first) {
    std::string text;
    for (auto const* node = first; node != nullptr; node = node->next) {
        if (node->type == XML_TEXT_NODE || node->type == XML_CDATA_SECTION_NODE) text += view(node->content);
    }
    return text;
}

}  // namespace

std::string_view XmlElement::name() const { return view(node_->name); }
int XmlElement::line() const { return static_cast<int>(xmlGetLineNo(node_)); }
bool XmlElement::has_namespace() const { return node_->ns != nullptr; }
std::string XmlElement::text() const { return trimmed(text_of(node_->children)); }

std::vector<XmlElement> XmlElement::children() const {
    std::vector<XmlElement> all;
    for (auto* node = node_->children; node != nullptr; node = node->next) {
        if (node->type == XML_ELEMENT_NODE) all.emplace_back(node);
    }
    return all;
}

std::vector<XmlAttribute> XmlElement::attributes() const {
    std::vector<XmlAttribute> all;
    for (auto const* attribute = node_->properties; attribute != nullptr; attribute = attribute->next) {
        all.push_back({std::string{view(attribute->name)}, trimmed(text_of(attribute->children)),
                       attribute->ns != nullptr});
    }
    return all;
}

std::optional<XmlElement> XmlElement::child(std::string_view wanted) const {
    for (auto const& element : children()) {
        if (element.name() == wanted) return element;
    }
    return std::nullopt;
}

std::optional<std::string> XmlElement::attribute(std::string_view wanted) const {
    for (auto& attribute : attributes()) {
        if (attribute.name == wanted) return std::move(attribute.value);
    }
    return std::nullopt;
}

void XmlDocument::Free::operator()(_xmlDoc* document) const { xmlFreeDoc(document); }

XmlElement XmlDocument::root() const { return XmlElement{xmlDocGetRootElement(document_.get())}; }

Result<XmlDocument> XmlDocument::parse(std::string const& text, std::string const& file) {
    if (text.size() > kMaximumSize) {
        return fail(EINVAL, "{}: the file has {} bytes; a domain description has at most {}", file, text.size(), kMaximumSize);
    }
    if (trimmed(text).empty()) return fail(EINVAL, "{}:1: the file is empty; write a <domain type='xen'> element", file);
    ErrorCapture errors;
    XmlDocument document{xmlReadMemory(text.data(), static_cast<int>(text.size()), nullptr, nullptr,
                                       XML_PARSE_NONET | XML_PARSE_BIG_LINES)};
    if (!document.document_ || !errors.first().message.empty()) {
        auto const& first = errors.first();
        return fail(EINVAL, "{}:{}: this is not well-formed XML: {}", file, first.line, first.message);
    }
    if (document.document_->intSubset != nullptr) {
        return fail(EINVAL, "{}:1: a document type declaration (<!DOCTYPE>) is not accepted; remove it", file);
    }
    if (xmlDocGetRootElement(document.document_.get()) == nullptr) {
        return fail(EINVAL, "{}:1: there is no element; write a <domain type='xen'> element", file);
    }
    return document;
}

}  // namespace hospes::control
