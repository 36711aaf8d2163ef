// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/consoled/console.hpp"

#include "tests/support/guest_console.hpp"

#include <catch2/catch.hpp>

#include <fstream>
#include <sstream>

#include <fcntl.h>
#include <unistd.h>

using namespace hospes;
using namespace hospes::consoled;

namespace {

struct RecordingReader final : Reader {
    std::string seen;
    int room_calls = 0;
    bool has_ended = false;
    void show(std::span<std::byte const> output) override { seen.append(reinterpret_cast<char const*>(output.data()), output.size()); }
    void input_has_room() override { ++room_calls; }
    void console_ended() override { has_ended = true; }
};

struct Fixture : test::GuestConsole {
    ~Fixture() {
        console.reset();
        CHECK(grants.mapped_pages() == 0);
        CHECK(events.ports().empty());
    }
    std::string log() const {
        std::ifstream file{folder.path() + "/web.log"};
        std::stringstream text;
        text << file.rdbuf();
        return text.str();
    }
};

std::span<std::byte const> bytes_of(std::string_view text) { return std::as_bytes(std::span{text}); }

}  // namespace

TEST_CASE("output reaches log, readers and late readers, and the domain is told of its room", "[consoled]") {
    Fixture f;
    RecordingReader early, late;
    f.console->add_reader(early);
    f.guest_writes("booting\n");
    f.console->add_reader(late);
    f.guest_writes("ready\n");
    CHECK(early.seen == "booting\nready\n");
    CHECK(late.seen == "booting\nready\n");
    CHECK(f.log().ends_with("booting\nready\n"));
    CHECK(f.events.ports().begin()->second.notified == 2);
    f.console->remove_reader(early);
    f.guest_writes("more");
    CHECK(early.seen == "booting\nready\n");
    f.console->remove_reader(late);
}

TEST_CASE("only one may type at a time", "[consoled]") {
    Fixture f;
    RecordingReader first, second;
    f.console->add_reader(first);
    f.console->add_reader(second);
    CHECK(f.console->claim_input(first));
    CHECK(!f.console->claim_input(second));
    f.console->remove_reader(first);
    CHECK(f.console->claim_input(second));
    CHECK(f.console->type(bytes_of("ls\n")) == 3);
    CHECK(f.guest_reads() == "ls\n");
    f.console->remove_reader(second);
}

TEST_CASE("input beyond what the domain reads waits, and the writer learns of new room", "[consoled]") {
    Fixture f;
    RecordingReader writer;
    f.console->add_reader(writer);
    REQUIRE(f.console->claim_input(writer));
    std::string const much(8000, 'x');
    std::size_t const taken = f.console->type(bytes_of(much));
    CHECK(taken == 4096);  // the first 1024 of them are in the ring already
    CHECK(f.console->type(bytes_of(much)) == 1024);
    CHECK(f.console->type(bytes_of(much)) == 0);
    writer.room_calls = 0;
    std::string read;
    for (int i = 0; i < 10; ++i) read += f.guest_reads();
    CHECK(read.size() == 5120);
    CHECK(writer.room_calls >= 4);
    f.console->remove_reader(writer);
}

TEST_CASE("a daemon that is started anew shows what was shown before, and loses nothing", "[consoled]") {
    Fixture f;
    f.guest_writes("before the crash\n");
    f.console.reset();
    for (char const c : std::string_view{"while down\n"}) f.ring->out[f.ring->out_prod++ % sizeof f.ring->out] = c;
    f.attach();
    RecordingReader reader;
    f.console->add_reader(reader);
    CHECK(reader.seen == "before the crash\nwhile down\n");
    f.console->remove_reader(reader);
}

TEST_CASE("a domain that floods its console has to wait for the next period", "[consoled]") {
    Fixture f;
    auto const port = f.events.local_port(f.kGuest, f.kPort);
    for (int i = 0; i < Console::kEventsPerPeriod; ++i) f.guest_writes("x");
    CHECK(!f.events.ports().at(port).masked);
    f.guest_writes("y");
    CHECK(f.events.ports().at(port).masked);
    CHECK(f.ring->out_cons == f.ring->out_prod - 1);
    while (f.events.ports().at(port).masked) f.loop.run_once();
    CHECK(f.ring->out_cons == f.ring->out_prod);
}

TEST_CASE("a domain with impossible indices loses its console and nothing else", "[consoled]") {
    Fixture f;
    RecordingReader reader;
    f.console->add_reader(reader);
    f.ring->out_prod = 0x80000000;
    f.events.fire(f.events.local_port(f.kGuest, f.kPort));
    CHECK(f.events.ports().empty());
    CHECK(f.console->type(bytes_of("hello")) <= 5);
    f.console.reset();
    CHECK(reader.has_ended);
}

TEST_CASE("what is typed on the tty arrives, and output can be read there", "[consoled]") {
    Fixture f;
    if (f.console->tty().empty()) {
        WARN("no pseudo terminals here");
        return;
    }
    auto const tty = *open_file(f.console->tty(), O_RDWR | O_NOCTTY | O_NONBLOCK);
    REQUIRE(write_all(tty.get(), bytes_of("pwd\n"), "tty").has_value());
    while (f.ring->in_prod == 0) f.loop.run_once();
    CHECK(f.guest_reads() == "pwd\n");
    f.guest_writes("/root\n");
    char text[16];
    CHECK(::read(tty.get(), text, sizeof text) == 6);
}

TEST_CASE("a domain whose console page is not granted has no console", "[consoled]") {
    EventLoop loop;
    test::TemporaryFolder folder;
    test::FakeEventChannels events;
    test::FakeGrants grants;
    auto const console = Console::attach({loop, events, grants, folder.path()}, test::GuestConsole::kGuest, "web", test::GuestConsole::kPort);
    REQUIRE(!console.has_value());
    CHECK(console.error().message().starts_with("console of domain 3 (web): "));
}
