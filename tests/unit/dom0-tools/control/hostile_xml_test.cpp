// SPDX-License-Identifier: Apache-2.0
// Descriptions that somebody has damaged, by chance or on purpose.
#include "dom0-tools/control/domain_xml.hpp"

#include "tests/unit/dom0-tools/control/xml_samples.hpp"

#include <catch2/catch.hpp>

#include <random>

using namespace hospes;
using namespace hospes::control;

namespace {

std::string mutated(std::string xml, std::mt19937& random) {
    for (auto changes = 1 + random() % 4; changes > 0; --changes) {
        auto const at = random() % xml.size();
        auto const length = std::min<std::size_t>(1 + random() % 20, xml.size() - at);
        switch (random() % 4) {
            case 0: xml[at] = static_cast<char>(random()); break;
            case 1: xml.erase(at, length); break;
            case 2: xml.insert(at, xml.substr(random() % xml.size(), length)); break;
            default: xml.insert(at, 1, "<>&'\"/="[random() % 7]); break;
        }
        if (xml.empty()) return " ";
    }
    return xml;
}

}  // namespace

TEST_CASE("a damaged description is read or refused in one line, and never more", "[xml][random]") {
    auto const seed = std::random_device{}();
    INFO("seed " << seed);
    std::mt19937 random{seed};
    for (int i = 0; i < 3000; ++i) {
        auto const xml = mutated(full_domain_xml(), random);
        auto const read = read_domain_xml(xml, "d.xml");
        if (read) {
            CHECK_FALSE(read->config.name.empty());
            CHECK(read->config.memory_bytes % (1 << 20) == 0);
            CHECK(read->config.kernel.path.starts_with('/'));
        } else {
            INFO(xml);
            CHECK(read.error().message().starts_with("d.xml:"));
            CHECK(read.error().message().find('\n') == std::string::npos);
        }
    }
}

TEST_CASE("nothing outside the description is read", "[xml]") {
    auto const external = "<!DOCTYPE domain [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>\n" + domain_xml({.name = "&x;"});
    auto const read = read_domain_xml(external, "d.xml");
    REQUIRE_FALSE(read);
    CHECK(read.error().message().find("root:") == std::string::npos);
}

TEST_CASE("a description that grows without end is refused", "[xml]") {
    std::string bomb = "<!DOCTYPE domain [<!ENTITY a0 'aaaaaaaaaa'>";
    for (int i = 1; i < 20; ++i) {
        bomb += "<!ENTITY a" + std::to_string(i) + " '";
        for (int j = 0; j < 10; ++j) bomb += "&a" + std::to_string(i - 1) + ";";
        bomb += "'>";
    }
    CHECK_FALSE(read_domain_xml(bomb + "]>\n" + domain_xml({.name = "&a19;"}), "d.xml"));
    std::string deep;
    for (int i = 0; i < 10000; ++i) deep += "<metadata>";
    CHECK_FALSE(read_domain_xml(domain_xml({.more = deep}), "d.xml"));
    auto const large = read_domain_xml(domain_xml({.more = "<description>" + std::string(1 << 20, 'x') + "</description>"}), "d.xml");
    REQUIRE_FALSE(large);
    CHECK(large.error().message().find("has at most 1048576") != std::string::npos);
}
