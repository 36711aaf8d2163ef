// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/backend/bus.hpp"

#include "xenstore/testing/memory_store.hpp"

#include <catch2/catch.hpp>

#include <thread>
#include <vector>

using namespace hospes;
using namespace hospes::backend;

namespace {

constexpr DomId kGuest{5};
std::string const kOwn = "/local/domain/0/backend/vbd/5/51712";
std::string const kFront = "/local/domain/5/device/vbd/51712";

// What the device was told, and what it shall answer.
struct Script {
    std::vector<std::string> calls;
    Result<bool> open_answer = true;
    Status connect_answer;
    bool is_at_rest = true;
    std::function<void()> on_open = [] {};
    DeviceEvents events;
};

class ScriptedDevice final : public Device {
public:
    explicit ScriptedDevice(Script& script) : script_{script} { script_.calls.push_back("made"); }
    ~ScriptedDevice() override { script_.calls.push_back("gone"); }
    Status probe() override { return say("probe"); }
    Result<bool> open() override {
        script_.calls.push_back("open");
        script_.on_open();
        return script_.open_answer;
    }
    Status connect() override {
        script_.calls.push_back("connect");
        return script_.connect_answer;
    }
    void disconnect() override { script_.calls.push_back("disconnect"); }
    bool is_at_rest() const override { return script_.is_at_rest; }

private:
    Status say(char const* what) {
        script_.calls.push_back(what);
        return {};
    }
    Script& script_;
};

// Nothing is done again while a test runs.
constexpr std::chrono::hours kLong{1};
constexpr Pacing kNothingAgain{.reopen = kLong, .rest = kLong, .start_over = kLong, .start_overs_at_once = 3};

struct Fixture {
    EventLoop loop;
    xenstore::MemoryStore memory;
    xenstore::Client toolstack = memory.connect();
    xenstore::Client ours = memory.connect();
    Script script;
    std::optional<Bus> bus;

    Fixture() {
        memory.host().add(kGuest);
        REQUIRE(toolstack.introduce(kGuest, Gfn{1}, EventPort{1}).has_value());
        REQUIRE(toolstack.write("/local/domain/5/name", "web").has_value());
    }
    void start(Pacing pacing = kNothingAgain) {
        auto const make = [this](DeviceNodes, DeviceEvents events) {
            script.events = std::move(events);
            return std::make_unique<ScriptedDevice>(script);
        };
        bus.emplace(loop, ours, "vbd", make, pacing);
        REQUIRE(bus->start().has_value());
        settle();
    }
    void create(std::string const& own_state = "1", std::string const& front_state = "1") {
        auto const status = toolstack.transact([&](xenstore::StoreView const& view) -> Status {
            HV_TRY(view.write(kFront + "/backend", kOwn));
            HV_TRY(view.write(kFront + "/state", front_state));
            HV_TRY(view.write(kOwn + "/frontend", kFront));
            HV_TRY(view.write(kOwn + "/online", "1"));
            return view.write(kOwn + "/state", own_state);
        });
        REQUIRE(status.has_value());
    }
    void front(std::string const& state) {
        REQUIRE(toolstack.write(kFront + "/state", state).has_value());
        settle();
    }
    void settle() {
        for (int i = 0; i < 10; ++i) {
            REQUIRE(ours.dispatch().has_value());
            loop.run_once(false);
        }
    }
    // Until a node of ours has this value, or for ten seconds.
    void wait_for(std::string const& key, std::string const& value) {
        for (int i = 0; i < 10'000 && own(key) != value; ++i) {
            std::this_thread::sleep_for(std::chrono::milliseconds{1});
            settle();
        }
        CHECK(own(key) == value);
    }
    std::string own(std::string const& key) { return toolstack.read_if_present(kOwn + "/" + key)->value_or("(none)"); }
    auto count(std::string const& call) const { return std::count(script.calls.begin(), script.calls.end(), call); }
    bool was(std::string const& call) const { return count(call) > 0; }
};

}  // namespace

TEST_CASE("a device goes through the whole handshake", "[backend][bus]") {
    Fixture f;
    f.start();
    f.create();
    f.settle();
    CHECK(f.own("state") == "2");
    CHECK(f.own("hotplug-status") == "connected");
    f.front("3");
    CHECK(f.own("state") == "4");
    f.front("4");
    CHECK(f.script.calls == std::vector<std::string>{"made", "probe", "open", "connect"});
    f.front("5");
    CHECK(f.was("disconnect"));
    CHECK(f.own("state") == "6");
    f.script.calls.clear();
    f.front("6");
    f.front("1");  // the driver was loaded again
    CHECK(f.own("state") == "2");
    f.front("3");
    CHECK(f.own("state") == "4");
}

TEST_CASE("devices that were there before the daemon are found; connected ones are taken over without a word", "[backend][bus]") {
    Fixture f;
    f.create("4", "4");
    f.start();
    CHECK(f.script.calls == std::vector<std::string>{"made", "open", "connect"});
    CHECK(f.own("state") == "4");
}

TEST_CASE("a resource that cannot be opened is explained to the toolstack, once", "[backend][bus]") {
    Fixture f;
    f.script.open_answer = std::unexpected{Error{ENOENT, "disk /no.img does not exist"}};
    f.start();
    f.create();
    f.settle();
    CHECK(f.own("hotplug-status") == "error");
    CHECK(f.own("hotplug-error") == "disk 51712 of domain 5 (web): disk /no.img does not exist");
    CHECK(f.own("state") == "1");
    CHECK(std::count(f.script.calls.begin(), f.script.calls.end(), "open") == 1);
}

TEST_CASE("a resource that is not ready is asked for again when the device says so", "[backend][bus]") {
    Fixture f;
    f.script.open_answer = false;
    f.start();
    f.create();
    f.settle();
    CHECK(f.own("state") == "2");
    CHECK(f.own("hotplug-status") == "(none)");
    f.front("3");
    CHECK(!f.was("connect"));
    f.script.open_answer = true;
    f.script.events.changed();
    f.settle();
    CHECK(f.own("hotplug-status") == "connected");
    CHECK(f.own("state") == "4");
}

TEST_CASE("removing the directories lets go of everything and writes nothing back", "[backend][bus]") {
    Fixture f;
    f.start();
    f.create();
    f.settle();
    f.front("3");
    REQUIRE(f.toolstack.remove(kOwn).has_value());
    REQUIRE(f.toolstack.remove(kFront).has_value());
    f.settle();
    CHECK(f.script.calls.back() == "gone");
    CHECK(f.bus->device_count() == 0);
    CHECK(f.own("state") == "(none)");
}

TEST_CASE("a domain that dies is let go of at once, its directories still standing", "[backend][bus]") {
    Fixture f;
    f.start();
    f.create();
    f.settle();
    f.front("3");
    REQUIRE(f.toolstack.release(kGuest).has_value());
    f.settle();
    CHECK(f.was("gone"));
    CHECK(f.own("state") == "6");
}

TEST_CASE("unplugging waits for the frontend", "[backend][bus]") {
    Fixture f;
    f.start();
    f.create();
    f.settle();
    f.front("4");
    REQUIRE(f.toolstack.write(kOwn + "/online", "0").has_value());
    REQUIRE(f.toolstack.write(kOwn + "/state", "5").has_value());
    f.settle();
    CHECK(!f.was("gone"));
    f.front("6");
    CHECK(f.was("gone"));
    CHECK(f.own("state") == "6");
}

TEST_CASE("a device that the toolstack takes away while it is opened is closed", "[backend][bus]") {
    Fixture f;
    f.script.on_open = [&] {
        REQUIRE(f.toolstack.write(kOwn + "/online", "0").has_value());
        REQUIRE(f.toolstack.write(kOwn + "/state", "5").has_value());
    };
    f.start();
    f.create();
    f.settle();
    CHECK(f.own("state") == "6");
    CHECK(f.count("gone") == 1);
}

TEST_CASE("a frontend that breaks the protocol is disconnected, and may come back with a new driver", "[backend][bus]") {
    Fixture f;
    f.start();
    f.create();
    f.settle();
    f.front("4");
    f.script.events.failed(Error{EPROTO, "bad index"});
    CHECK(!f.was("disconnect"));  // not in the middle of its own work
    f.settle();
    CHECK(f.was("disconnect"));
    CHECK(f.own("state") == "4");
    f.front("6");
    f.front("1");
    f.front("4");
    CHECK(f.own("state") == "4");
    CHECK(std::count(f.script.calls.begin(), f.script.calls.end(), "connect") == 2);
}

TEST_CASE("one device that cannot connect does not disturb another", "[backend][bus]") {
    Fixture f;
    f.start();
    f.create();
    f.settle();
    f.script.connect_answer = std::unexpected{Error{EINVAL, "ring-ref is missing"}};
    f.front("3");
    CHECK(f.own("state") == "2");
    CHECK(std::count(f.script.calls.begin(), f.script.calls.end(), "connect") == 1);
    REQUIRE(f.toolstack.write("/local/domain/0/backend/vbd/x/y/state", "1").has_value());
    REQUIRE(f.toolstack.write("/local/domain/0/backend/vbd/99999/1/state", "1").has_value());
    f.settle();
    CHECK(f.bus->device_count() == 1);
}

TEST_CASE("a disk that a frontend goes on using, and that cannot be opened, is tried now and then", "[backend][bus]") {
    Fixture f;
    f.script.open_answer = std::unexpected{Error{EBUSY, "disk /web.img is in use"}};
    f.create("4", "4");
    SECTION("not for each node that is written meanwhile") {
        f.start();
        f.front("3");
        f.front("4");
        CHECK(f.count("open") == 1);
        CHECK(f.own("hotplug-status") == "error");
        CHECK(f.own("hotplug-error") == "disk 51712 of domain 5 (web): disk /web.img is in use");
    }
    SECTION("until it can be") {
        auto pacing = kNothingAgain;
        pacing.reopen = std::chrono::milliseconds{1};
        f.start(pacing);
        REQUIRE(f.toolstack.write(kOwn + "/hotplug-error", "told").has_value());
        auto const tries = f.count("open");
        while (f.count("open") < tries + 3) f.settle();
        CHECK(f.own("hotplug-error") == "told");  // once
        CHECK(!f.was("connect"));
        f.script.open_answer = true;
        f.wait_for("hotplug-status", "connected");
        CHECK(f.count("connect") == 1);
    }
    CHECK(f.own("state") == "4");
}

TEST_CASE("a frontend that lies about its ring to a daemon that was started anew is tried once", "[backend][bus]") {
    Fixture f;
    f.script.connect_answer = std::unexpected{Error{EINVAL, "ring-ref is missing"}};
    f.create("4", "4");
    f.start();
    f.front("3");
    f.front("4");
    CHECK(f.count("open") == 1);
    CHECK(f.count("connect") == 1);
    f.script.connect_answer = {};
    f.front("6");
    f.front("1");
    f.front("4");
    CHECK(f.own("state") == "4");
    CHECK(f.count("connect") == 2);
}

TEST_CASE("a driver that starts over again and again has to wait, and no other one", "[backend][bus]") {
    Fixture f;
    f.script.connect_answer = std::unexpected{Error{EINVAL, "ring-ref is missing"}};
    bool const is_for_ever = GENERATE(true, false);
    auto pacing = kNothingAgain;
    if (!is_for_ever) pacing.start_over = std::chrono::milliseconds{300};
    f.start(pacing);
    f.create();
    f.settle();
    if (is_for_ever) {
        for (int i = 0; i < 100; ++i) {
            for (auto const* const state : {"4", "6", "1"}) f.front(state);
        }
        CHECK(f.count("open") == 4);  // the first start, and three more
        CHECK(f.count("connect") == 4);
        CHECK(f.own("state") == "6");
        REQUIRE(f.toolstack.remove(kOwn).has_value());  // made anew, it is another device
        f.settle();
        f.create();
        f.settle();
        CHECK(f.own("state") == "2");
        return;
    }
    while (f.own("state") != "6") {
        for (auto const* const state : {"4", "6", "1"}) f.front(state);
    }
    f.wait_for("state", "2");
    f.script.connect_answer = {};
    f.front("4");
    CHECK(f.own("state") == "4");
}

TEST_CASE("a device is closed when what was begun on it is done, whatever its frontend says meanwhile", "[backend][bus]") {
    Fixture f;
    auto pacing = kNothingAgain;
    pacing.rest = std::chrono::milliseconds{1};
    f.start(pacing);
    f.create();
    f.settle();
    f.front("4");
    f.script.is_at_rest = false;
    f.front("6");
    f.front("4");
    CHECK(f.was("disconnect"));
    CHECK(!f.was("gone"));
    CHECK(f.own("state") == "4");
    f.script.is_at_rest = true;
    f.wait_for("state", "6");
    CHECK(f.was("gone"));
    f.front("1");
    CHECK(f.own("state") == "2");
}

TEST_CASE("a device that is removed before it is at rest is forgotten", "[backend][bus]") {
    Fixture f;
    f.start();
    f.create();
    f.settle();
    f.front("4");
    f.script.is_at_rest = false;
    f.front("6");
    REQUIRE(f.toolstack.remove(kOwn).has_value());
    f.settle();
    CHECK(f.bus->device_count() == 0);
    CHECK(f.own("state") == "(none)");
}
