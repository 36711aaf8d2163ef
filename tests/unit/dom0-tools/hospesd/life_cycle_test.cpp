// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/hospesd/life_cycle.hpp"

#include "dom0-tools/hospesd/requests.hpp"
#include "tests/support/dom0/fake_privcmd.hpp"
#include "tests/support/dom0/sample_kernel.hpp"
#include "tests/unit/dom0-tools/control/xml_samples.hpp"
#include "xenstore/testing/memory_store.hpp"

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>

using namespace hospes;
using namespace hospes::control;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

struct Daemon {
    fs::path kernel = make_kernel();
    FakePrivcmd privcmd{32768};
    xenstore::MemoryStore server;
    xenstore::Client store = server.connect();
    DomainControl control{privcmd, store, {}, ImageCache{""},
                          {.backends = std::chrono::milliseconds{0}, .release = std::chrono::milliseconds{0}}};
    hospesd::LifeCycle life_cycle{privcmd, store, control};

    Daemon() {
        privcmd.on_create = [this](DomId domain) { server.host().add(domain); };
        privcmd.on_destroy = [this](DomId domain) { server.host().remove(domain); };
    }
    ~Daemon() { fs::remove(kernel); }

    static fs::path make_kernel() {
        std::string name = (fs::temp_directory_path() / "hospes-kernel-XXXXXX").string();
        UniqueFd const file{::mkstemp(name.data())};
        auto const kernel = elf_file();
        REQUIRE(write_all(file.get(), kernel, "kernel"));
        return name;
    }
    std::string xml(std::string const& actions) const { return domain_xml({.kernel = kernel.string(), .more = actions}); }
    void create(std::string const& actions) {
        CreateRequest request;
        request.xml = xml(actions);
        request.file = "d.xml";
        REQUIRE(control.create(request));
    }
    // The domain's record looks as if it was written long ago.
    void age() { REQUIRE(store.write("/hospes/domains/1/started", "-1000")); }
    bool has(unsigned domain) const { return privcmd.domains().contains(DomId{static_cast<std::uint16_t>(domain)}); }
    json ask(json const& request) { return json::parse(hospesd::answer(control, request.dump())); }
};

}  // namespace

TEST_CASE("a domain that runs is left alone", "[hospesd]") {
    Daemon daemon;
    daemon.create("");
    REQUIRE(daemon.life_cycle.look());
    CHECK(daemon.has(1));
    CHECK_FALSE(daemon.privcmd.domains().at(DomId{1}).info.is_paused);
}

TEST_CASE("a domain's end is dealt with as its description says", "[hospesd]") {
    struct Sample {
        char const* actions;
        unsigned reason;
        bool stays;
        bool starts_again;
    };
    auto const sample = GENERATE(values<Sample>({
        {"", SHUTDOWN_poweroff, false, false},
        {"", SHUTDOWN_reboot, false, true},
        {"", SHUTDOWN_crash, false, false},
        {"", SHUTDOWN_suspend, true, false},
        {"<on_poweroff>restart</on_poweroff>", SHUTDOWN_poweroff, false, true},
        {"<on_poweroff>preserve</on_poweroff>", SHUTDOWN_poweroff, true, false},
        {"<on_reboot>destroy</on_reboot>", SHUTDOWN_reboot, false, false},
        {"<on_crash>restart</on_crash>", SHUTDOWN_crash, false, true},
        {"<on_crash>restart</on_crash>", SHUTDOWN_watchdog, false, true},
        {"<on_crash>preserve</on_crash>", SHUTDOWN_crash, true, false},
    }));
    INFO(sample.actions << " reason " << sample.reason);
    Daemon daemon;
    daemon.create(sample.actions);
    daemon.age();
    daemon.privcmd.shut_down(DomId{1}, sample.reason);
    REQUIRE(daemon.life_cycle.look());
    CHECK(daemon.has(1) == sample.stays);
    CHECK(daemon.has(2) == sample.starts_again);
    CHECK(recorded_domains(daemon.store)->size() == (sample.stays || sample.starts_again ? 1 : 0));
}

TEST_CASE("a domain that starts again keeps name and uuid", "[hospesd]") {
    Daemon daemon;
    daemon.create("");
    daemon.age();
    auto const before = **read_record(daemon.store, DomId{1});
    daemon.privcmd.shut_down(DomId{1}, SHUTDOWN_reboot);
    REQUIRE(daemon.life_cycle.look());
    auto const after = **read_record(daemon.store, DomId{2});
    CHECK(after.name == before.name);
    CHECK(after.uuid == before.uuid);
    CHECK(after.xml == before.xml);
    CHECK(daemon.privcmd.domains().at(DomId{2}).info.handle == before.uuid.bytes);
}

TEST_CASE("a restart that a killed hospesd has left goes on", "[hospesd]") {
    Daemon daemon;
    daemon.create("");
    auto const record = **read_record(daemon.store, DomId{1});
    auto const path = restarting_path(record.uuid);
    REQUIRE(write_record(daemon.store, path, record));
    bool starts_again = true;
    SECTION("the domain was not yet ended") {
        daemon.age();
        daemon.privcmd.shut_down(DomId{1}, SHUTDOWN_reboot);
    }
    SECTION("the hypervisor had it no more, xenstore had") {
        REQUIRE(daemon.privcmd.destroy_domain(DomId{1}));
    }
    SECTION("it was gone") {
        REQUIRE(daemon.control.destroy(DomId{1}));
    }
    SECTION("it was there again") {
        starts_again = false;
    }
    REQUIRE(daemon.life_cycle.take_over());
    CHECK(daemon.has(2) == starts_again);
    CHECK(daemon.has(1) != starts_again);
    CHECK(daemon.privcmd.domains().size() == 2);
    CHECK(recorded_domains(daemon.store)->size() == 1);
    CHECK(*daemon.store.exists("/vm/" + to_string(record.uuid)));
    CHECK_FALSE(*daemon.store.exists(path));
}

TEST_CASE("a restart leaves no mark, whether it succeeds or not", "[hospesd]") {
    Daemon daemon;
    daemon.create("");
    daemon.age();
    daemon.privcmd.shut_down(DomId{1}, SHUTDOWN_reboot);
    bool const can_start = GENERATE(true, false);
    if (!can_start) fs::remove(daemon.kernel);
    REQUIRE(daemon.life_cycle.look());
    CHECK(daemon.has(2) == can_start);
    CHECK(children_of(daemon.store, kRestarting)->empty());
}

TEST_CASE("a domain that crashes at once is not started for ever", "[hospesd]") {
    Daemon daemon;
    daemon.create("<on_crash>restart</on_crash>");
    daemon.privcmd.shut_down(DomId{1}, SHUTDOWN_crash);
    REQUIRE(daemon.life_cycle.look());
    CHECK(daemon.privcmd.domains().size() == 1);
}

TEST_CASE("a domain that reboots at once is started again after a pause, in which it can be destroyed", "[hospesd]") {
    Daemon daemon;
    daemon.create("");
    auto const uuid = to_string((**read_record(daemon.store, DomId{1})).uuid);
    CHECK_FALSE(daemon.life_cycle.look()->has_value());
    daemon.privcmd.shut_down(DomId{1}, SHUTDOWN_reboot);
    auto const wait = daemon.life_cycle.look();
    REQUIRE(wait);
    REQUIRE(*wait);
    CHECK(**wait > std::chrono::milliseconds{0});
    CHECK(**wait <= std::chrono::seconds{3});
    REQUIRE(daemon.has(1));
    SECTION("it is left alone") {
        daemon.age();
        CHECK_FALSE(daemon.life_cycle.look()->has_value());
        CHECK(daemon.has(2));
    }
    SECTION("it is destroyed") {
        CHECK(daemon.ask({{"verb", "destroy"}, {"id", 1}, {"uuid", uuid}}) == json{{"ok", true}});
        CHECK_FALSE(daemon.life_cycle.look()->has_value());
        CHECK(daemon.privcmd.domains().size() == 1);
        CHECK(recorded_domains(daemon.store)->empty());
    }
}

TEST_CASE("a domain that has started again meanwhile is destroyed all the same, and no other", "[hospesd]") {
    Daemon daemon;
    daemon.create("");
    daemon.age();
    auto const uuid = to_string((**read_record(daemon.store, DomId{1})).uuid);
    daemon.privcmd.shut_down(DomId{1}, SHUTDOWN_reboot);
    REQUIRE(daemon.life_cycle.look());
    REQUIRE(daemon.has(2));
    auto const foreign = *daemon.privcmd.create_domain({.handle = random_uuid().bytes});
    auto const nameless = *daemon.privcmd.create_domain({});
    bool const knows_number = GENERATE(true, false);
    json order{{"verb", "destroy"}, {"uuid", uuid}};
    if (knows_number) order["id"] = 1;
    CHECK(daemon.ask(order) == json{{"ok", true}});
    CHECK_FALSE(daemon.has(2));
    CHECK(daemon.ask(order)["error"] == (knows_number ? "domain 1 has ended" : "the domain " + uuid + " has ended"));
    order["id"] = foreign.raw();
    CHECK(daemon.ask(order)["ok"] == false);
    CHECK(daemon.ask({{"verb", "destroy"}, {"uuid", to_string(Uuid{})}})["ok"] == false);
    CHECK(daemon.privcmd.domains().contains(foreign));
    CHECK(daemon.privcmd.domains().contains(nameless));
}

TEST_CASE("a domain that is between two lives is found by its name", "[hospesd]") {
    Daemon daemon;
    CHECK_FALSE(find_restarting(daemon.store, "d")->has_value());
    DomainRecord const record{"d", random_uuid(), "d.xml", "<domain/>"};
    REQUIRE(write_record(daemon.store, restarting_path(record.uuid), record));
    CHECK(*find_restarting(daemon.store, "d") == record.uuid);
    CHECK_FALSE(find_restarting(daemon.store, "e")->has_value());
}

TEST_CASE("a domain that vanished leaves no traces, and a later one with its number is another", "[hospesd]") {
    Daemon daemon;
    daemon.create("");
    SECTION("it is gone") { REQUIRE(daemon.privcmd.destroy_domain(DomId{1})); }
    SECTION("its number is somebody else's") { REQUIRE(daemon.store.write("/hospes/domains/1/uuid", to_string(random_uuid()))); }
    REQUIRE(daemon.life_cycle.look());
    CHECK_FALSE(*daemon.store.exists("/hospes/domains/1"));
    CHECK_FALSE(*daemon.store.exists("/local/domain/1"));
}

TEST_CASE("requests are answered in JSON, whatever they are", "[hospesd]") {
    Daemon daemon;
    CHECK(daemon.ask({{"verb", "ping"}}) == json{{"ok", true}});
    auto const created = daemon.ask({{"verb", "create"}, {"xml", daemon.xml("")}, {"file", "d.xml"}});
    CHECK(created["ok"] == true);
    CHECK(created["id"] == 1);
    CHECK(created["name"] == "d");
    auto const refused = daemon.ask({{"verb", "create"}, {"xml", "<domain/>"}, {"file", "d.xml"}});
    CHECK(refused["ok"] == false);
    CHECK(refused["error"] == "d.xml:1: <domain> has no attribute 'type'; its values are: xen");
    CHECK(daemon.ask({{"verb", "destroy"}, {"id", 0}})["ok"] == false);
    CHECK(daemon.ask({{"verb", "destroy"}, {"id", 1}}) == json{{"ok", true}});
    CHECK_FALSE(daemon.has(1));
    for (auto const* const bad : {"{\"verb\":\"destroy\",\"uuid\":\"x\"}", "{\"verb\":\"destroy\",\"uuid\":1}",
                                  "", "{", "[]", "7", "{}", "{\"verb\":7}", "{\"verb\":\"fly\"}", "{\"verb\":\"create\"}",
                                  "{\"verb\":\"destroy\"}", "{\"verb\":\"destroy\",\"id\":-1}", "{\"verb\":\"destroy\",\"id\":70000}",
                                  "{\"verb\":\"create\",\"xml\":\"\\u0000\",\"file\":\"\"}", "\xff\xfe"}) {
        INFO(bad);
        auto const reply = json::parse(hospesd::answer(daemon.control, bad));
        CHECK(reply["ok"] == false);
        CHECK_FALSE(reply["error"].get<std::string>().empty());
    }
}

TEST_CASE("a paused domain is created and not started", "[hospesd]") {
    Daemon daemon;
    CHECK(daemon.ask({{"verb", "create"}, {"xml", daemon.xml("")}, {"file", "d.xml"}, {"paused", true}})["ok"] == true);
    CHECK(daemon.privcmd.domains().at(DomId{1}).info.is_paused);
}
