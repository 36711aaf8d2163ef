// SPDX-License-Identifier: Apache-2.0
// The schema (hospes-domain.rng) and the reader's table have to say the same.
#include "dom0-tools/base/unique_fd.hpp"
#include "dom0-tools/control/dialect.hpp"
#include "dom0-tools/control/domain_xml.hpp"

#include "tests/unit/dom0-tools/control/xml_samples.hpp"

#include <catch2/catch.hpp>
#include <libxml/parser.h>
#include <libxml/relaxng.h>

#include <memory>
#include <set>

using namespace hospes;
using namespace hospes::control;

namespace {

constexpr char kSchema[] = "dom0-tools/control/hospes-domain.rng";

struct FreeXml {
    void operator()(xmlDoc* document) const { xmlFreeDoc(document); }
    void operator()(xmlRelaxNG* schema) const { xmlRelaxNGFree(schema); }
    void operator()(xmlRelaxNGParserCtxt* context) const { xmlRelaxNGFreeParserCtxt(context); }
    void operator()(xmlRelaxNGValidCtxt* context) const { xmlRelaxNGFreeValidCtxt(context); }
};

void say_nothing(void*, xmlErrorPtr) {}

bool schema_accepts(std::string const& xml) {
    std::unique_ptr<xmlRelaxNGParserCtxt, FreeXml> const parser{xmlRelaxNGNewParserCtxt(kSchema)};
    std::unique_ptr<xmlRelaxNG, FreeXml> const schema{xmlRelaxNGParse(parser.get())};
    REQUIRE(schema);
    std::unique_ptr<xmlDoc, FreeXml> const document{xmlReadMemory(xml.data(), static_cast<int>(xml.size()), "d.xml", nullptr, 0)};
    REQUIRE(document);
    std::unique_ptr<xmlRelaxNGValidCtxt, FreeXml> const validator{xmlRelaxNGNewValidCtxt(schema.get())};
    xmlRelaxNGSetValidStructuredErrors(validator.get(), say_nothing, nullptr);
    return xmlRelaxNGValidateDoc(validator.get(), document.get()) == 0;
}

// The paths of all elements and attributes that the schema knows, in the table's spelling.
class SchemaPaths {
public:
    explicit SchemaPaths(XmlElement grammar) : grammar_{grammar} {
        for (auto const& child : grammar.children()) {
            if (child.name() == "start") visit(child, "");
        }
    }
    std::set<std::string> const& paths() const { return paths_; }

private:
    void visit(XmlElement const& element, std::string const& path) {
        for (auto const& child : element.children()) {
            auto const name = child.attribute("name").value_or("");
            if (child.name() == "attribute") {
                paths_.insert(path + "/@" + name);
            } else if (child.name() == "element") {
                auto const below = path.empty() ? name : path + "/" + name;
                paths_.insert(below);
                visit(child, below);
            } else if (child.name() == "ref") {
                if (name != "anything") visit(definition(name), path);
            } else {
                visit(child, path);
            }
        }
    }
    XmlElement definition(std::string const& name) {
        for (auto const& child : grammar_.children()) {
            if (child.name() == "define" && child.attribute("name") == name) return child;
        }
        FAIL("the schema does not define " << name);
        return grammar_;
    }

    XmlElement grammar_;
    std::set<std::string> paths_;
};

}  // namespace

TEST_CASE("schema and table know the same elements and attributes", "[xml][schema]") {
    auto const document = XmlDocument::parse(*read_file(kSchema), kSchema);
    REQUIRE(document);
    std::set<std::string> supported;
    for (auto const& rule : dialect()) {
        if (rule.support == Support::supported) supported.emplace(rule.path);
    }
    CHECK(SchemaPaths{document->root()}.paths() == supported);
}

TEST_CASE("schema and reader accept the full description and the examples", "[xml][schema]") {
    auto const xml = GENERATE(full_domain_xml(), domain_xml({}), *read_file("examples/web.xml"), *read_file("examples/minimal.xml"));
    CHECK(schema_accepts(xml));
    auto const read = read_domain_xml(xml, "d.xml");
    INFO((read ? "" : read.error().message()));
    REQUIRE(read);
    CHECK(read->warnings.empty());
}

TEST_CASE("schema and reader refuse the same", "[xml][schema]") {
    auto const xml = GENERATE(
        domain_xml({.type = "hvm"}), domain_xml({.name = "a b"}), domain_xml({.kernel = "relative"}),
        domain_xml({.memory = ""}), domain_xml({.memory = "<memory>x</memory>"}), domain_xml({.more = "<vcpu>many</vcpu>"}),
        domain_xml({.more = "<vcpu cpuset='a'>1</vcpu>"}), domain_xml({.more = "<cputune><shares>0</shares></cputune>"}),
        domain_xml({.more = "<cputune><period>10</period></cputune>"}), domain_xml({.more = "<cputune><quota>-2</quota></cputune>"}),
        domain_xml({.more = "<cputune><vcpupin vcpu='0'/></cputune>"}), domain_xml({.more = "<cputune><vcpupin cpuset='0'/></cputune>"}),
        domain_xml({.more = "<on_crash>coredump-restart</on_crash>"}), domain_xml({.devices = "<disk type='file'/>"}),
        domain_xml({.devices = "<disk type='network'><source file='/i'/><target dev='xvda'/></disk>"}),
        domain_xml({.devices = "<disk type='file'><source file='/i'/><target dev='sda'/></disk>"}),
        domain_xml({.devices = "<disk type='file'><driver discard='no'/><source file='/i'/><target dev='xvda'/></disk>"}),
        domain_xml({.devices = "<interface type='network'><source network='n'/></interface>"}),
        domain_xml({.devices = "<interface type='bridge'><source bridge='b'/><model type='e1000'/></interface>"}),
        domain_xml({.devices = "<memballoon model='none'/>"}), domain_xml({.devices = "<console type='unix'/>"}));
    CHECK_FALSE(schema_accepts(xml));
    CHECK_FALSE(read_domain_xml(xml, "d.xml"));
}

TEST_CASE("each row of the table does what its list says", "[xml][schema]") {
    for (auto const& rule : dialect()) {
        if (rule.support == Support::supported) continue;
        auto const parent = std::string{rule.path.substr(0, rule.path.rfind('/'))};
        INFO(rule.path);
        CHECK_FALSE(rule.note.empty());
        REQUIRE(find_rule(parent) != nullptr);
        CHECK(find_rule(parent)->support == Support::supported);
        // Wherever the row's element is alone in its place: it is refused, or warned about.
        if (parent != "domain" && parent != "domain/devices") continue;
        auto const name = std::string{rule.path.substr(rule.path.rfind('/') + 1)};
        if (name.starts_with('@')) continue;
        auto const element = "<" + name + "/>";
        auto const read = read_domain_xml(parent == "domain" ? domain_xml({.more = element}) : domain_xml({.devices = element}), "d.xml");
        if (rule.support == Support::refused) {
            REQUIRE_FALSE(read);
            CHECK(read.error().message().find(std::string{rule.note}) != std::string::npos);
        } else {
            REQUIRE(read);
            REQUIRE(read->warnings.size() == 1);
            CHECK(read->warnings[0].find(std::string{rule.note}) != std::string::npos);
        }
    }
}
