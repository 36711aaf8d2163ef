// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/control/domain_control.hpp"

#include "tests/support/dom0/fake_privcmd.hpp"
#include "tests/support/dom0/sample_kernel.hpp"
#include "tests/unit/dom0-tools/control/xml_samples.hpp"
#include "xenstore/testing/memory_store.hpp"

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>

using namespace hospes;
using namespace hospes::control;
using Catch::Matchers::Contains;
namespace fs = std::filesystem;

namespace {

constexpr Patience kNoPatience{.backends = std::chrono::milliseconds{0}, .release = std::chrono::milliseconds{0}};

// dom0 with a hypervisor, a store, a kernel, a disk image and a bridge.
struct Dom0 {
    fs::path folder;
    FakePrivcmd privcmd{65536};
    xenstore::MemoryStore server;
    xenstore::Client store = server.connect();
    DomainControl control{privcmd, store, {(make_folder() / "net").string(), (folder / "block").string()}, ImageCache{""},
                          kNoPatience};

    Dom0() {
        privcmd.on_create = [this](DomId domain) { server.host().add(domain); };
        privcmd.on_destroy = [this](DomId domain) { server.host().remove(domain); };
        auto const kernel = elf_file();
        std::ofstream{folder / "kernel"}.write(reinterpret_cast<char const*>(kernel.data()), static_cast<std::streamsize>(kernel.size()));
        std::ofstream{folder / "disk"} << std::string(4096, 'd');
        fs::create_directories(folder / "net/br0/bridge");
        fs::create_directories(folder / "net/eth0");
        fs::create_directories(folder / "block");
        REQUIRE(store.mkdir("/hospes/domains"));
        REQUIRE(store.mkdir("/hospes/creating"));
    }
    ~Dom0() { fs::remove_all(folder); }

    fs::path const& make_folder() {
        std::string name = (fs::temp_directory_path() / "hospes-test-XXXXXX").string();
        return folder = ::mkdtemp(name.data());
    }
    std::string kernel() const { return (folder / "kernel").string(); }
    std::string disk(std::string const& more = {}, std::string const& target = "xvda") const {
        return "<disk type='file'><source file='" + (folder / "disk").string() + "'/><target dev='" + target + "'/>" + more + "</disk>";
    }
    static std::string interface(std::string const& bridge) {
        return "<interface type='bridge'><source bridge='" + bridge + "'/></interface>";
    }
    Result<CreatedDomain> create(DomainXmlParts parts) {
        if (parts.kernel == "/k") parts.kernel = kernel();
        CreateRequest request;
        request.xml = domain_xml(parts);
        request.file = "d.xml";
        return control.create(request);
    }
    std::string error(DomainXmlParts const& parts) {
        auto const created = create(parts);
        return created ? "no error" : created.error().message();
    }
    // What the backends of the next domain will have answered.
    void answer(std::string const& device, std::string const& status, std::string const& error = {}) {
        REQUIRE(store.write("/local/domain/0/backend/" + device + "/hotplug-status", status));
        if (!error.empty()) REQUIRE(store.write("/local/domain/0/backend/" + device + "/hotplug-error", error));
    }
    std::string read(std::string const& path) { return store.read(path).value_or("(none)"); }
    // Every node with its value.
    std::vector<std::string> tree(std::string const& path = "") {
        std::vector<std::string> nodes{path + "=" + store.read(path.empty() ? "/" : path).value_or("?")};
        for (auto const& child : store.directory(path.empty() ? "/" : path).value_or(std::vector<std::string>{})) {
            auto const below = tree(path + "/" + child);
            nodes.insert(nodes.end(), below.begin(), below.end());
        }
        return nodes;
    }
};

}  // namespace

TEST_CASE("a created domain runs, is named and recorded, and its store ring is known", "[control]") {
    Dom0 dom0;
    auto const created = dom0.create({});
    INFO((created ? "" : created.error().message()));
    REQUIRE(created);
    CHECK(created->name == "d");
    auto const& domain = dom0.privcmd.domains().at(created->id);
    CHECK_FALSE(domain.info.is_paused);
    CHECK(dom0.server.host().connect_count(created->id) == 1);
    CHECK(dom0.read("/local/domain/1/name") == "d");
    CHECK(dom0.read("/local/domain/1/memory/target") == "65536");
    CHECK(dom0.read("/local/domain/1/console/type") == "xenconsoled");
    CHECK(dom0.tree("/hospes/creating").size() == 1);
    auto const record = read_record(dom0.store, created->id);
    REQUIRE(record);
    REQUIRE(*record);
    CHECK((**record).name == "d");
    CHECK((**record).uuid.bytes == domain.info.handle);
    CHECK((**record).xml == domain_xml({.kernel = dom0.kernel()}));
    CHECK(dom0.privcmd.complaints().empty());
}

TEST_CASE("a long description is recorded in full", "[control]") {
    Dom0 dom0;
    auto const long_text = std::string(20000, 'x');
    REQUIRE(dom0.create({.more = "<description>" + long_text + "</description>"}));
    CHECK((**read_record(dom0.store, DomId{1})).xml.find(long_text) != std::string::npos);
}

TEST_CASE("the domain may read its nodes and write only where its kernel has to", "[control]") {
    Dom0 dom0;
    REQUIRE(dom0.create({}));
    auto const guest = dom0.server.connect(DomId{1});
    CHECK(guest.read("/local/domain/1/console/port"));
    CHECK(guest.read("/local/domain/1/memory/target"));
    CHECK(guest.write("/local/domain/1/control/feature-poweroff", "1"));
    CHECK(guest.write("/local/domain/1/data/x", "1"));
    CHECK(guest.write("/local/domain/1/name", "x").error().code() == EACCES);
    CHECK(guest.write("/local/domain/1/memory/target", "1").error().code() == EACCES);
    CHECK(guest.read("/hospes/domains/1/name").error().code() == EACCES);
}

TEST_CASE("disks and interfaces have two ends that name each other", "[control]") {
    Dom0 dom0;
    dom0.answer("vbd/1/51712", "connected");
    dom0.answer("vif/1/0", "connected");
    auto const created = dom0.create({.devices = dom0.disk("<readonly/>") + Dom0::interface("br0")});
    INFO((created ? "" : created.error().message()));
    REQUIRE(created);
    CHECK(dom0.read("/local/domain/1/device/vbd/51712/backend") == "/local/domain/0/backend/vbd/1/51712");
    CHECK(dom0.read("/local/domain/0/backend/vbd/1/51712/frontend") == "/local/domain/1/device/vbd/51712");
    CHECK(dom0.read("/local/domain/0/backend/vbd/1/51712/params") == (dom0.folder / "disk").string());
    CHECK(dom0.read("/local/domain/0/backend/vbd/1/51712/mode") == "r");
    CHECK(dom0.read("/local/domain/0/backend/vif/1/0/bridge") == "br0");
    CHECK(dom0.read("/local/domain/0/backend/vif/1/0/vifname") == "vif1.0");
    CHECK(dom0.read("/local/domain/0/backend/vif/1/0/mac") == dom0.read("/local/domain/1/device/vif/0/mac"));
    auto const guest = dom0.server.connect(DomId{1});
    CHECK(guest.write("/local/domain/1/device/vbd/51712/state", "3"));
    CHECK(guest.read("/local/domain/0/backend/vbd/1/51712/state"));
    CHECK(guest.write("/local/domain/0/backend/vbd/1/51712/state", "3").error().code() == EACCES);
}

TEST_CASE("create and destroy leave memory and store as they were", "[control]") {
    Dom0 dom0;
    dom0.answer("vbd/1/51712", "connected");
    REQUIRE(dom0.create({.devices = dom0.disk()}));  // makes the folders that stay
    REQUIRE(dom0.control.destroy(DomId{1}));
    auto const nodes = dom0.tree();
    auto const frames = dom0.privcmd.free_frames();
    for (int i = 2; i < 5; ++i) {
        dom0.answer("vbd/" + std::to_string(i) + "/51712", "connected");
        REQUIRE(dom0.create({.devices = dom0.disk()}));
        REQUIRE(dom0.control.destroy(DomId{static_cast<std::uint16_t>(i)}));
    }
    CHECK(dom0.tree() == nodes);
    CHECK(dom0.privcmd.free_frames() == frames);
    CHECK(dom0.privcmd.domains().size() == 1);
}

TEST_CASE("whichever call fails, nothing of the domain is left", "[control][undo]") {
    int calls = 0;
    {
        Dom0 dom0;
        REQUIRE(dom0.create({}));
        calls = dom0.privcmd.calls();
    }
    REQUIRE(calls > 15);
    for (int n = 1; n <= calls; ++n) {
        INFO("the call that fails is number " << n << " of " << calls);
        Dom0 dom0;
        auto const nodes = dom0.tree();
        auto const frames = dom0.privcmd.free_frames();
        dom0.privcmd.fail_call(n);
        auto const message = dom0.error({});
        CHECK_THAT(message, Contains("refused by the test"));
        CHECK(dom0.privcmd.domains().size() == 1);
        CHECK(dom0.privcmd.free_frames() == frames);
        CHECK(dom0.privcmd.live_mappings() == 0);
        CHECK(dom0.privcmd.complaints().empty());
        // /local/domain, /vm and the like may have been made; nothing is in them.
        for (auto const& node : dom0.tree()) {
            if (std::ranges::find(nodes, node) == nodes.end()) CHECK_THAT(node, Catch::Matchers::EndsWith("="));
        }
        CHECK(dom0.store.directory("/hospes/creating")->empty());
        CHECK(dom0.store.directory("/hospes/domains")->empty());
    }
}

TEST_CASE("a create that was killed is taken back by the next hospesd", "[control][undo]") {
    Dom0 dom0;
    auto const nodes = dom0.tree();
    auto const uuid = random_uuid();
    REQUIRE(dom0.store.write(creating_path(uuid), "d"));
    auto const domain = *dom0.privcmd.create_domain({.handle = uuid.bytes});
    auto const foreign = *dom0.privcmd.create_domain({.handle = random_uuid().bytes});
    REQUIRE(dom0.control.undo_unfinished_creates());
    CHECK_FALSE(dom0.privcmd.domains().contains(domain));
    CHECK(dom0.privcmd.domains().contains(foreign));
    CHECK(dom0.tree() == nodes);
}

TEST_CASE("what is wrong with the host is one sentence, and nothing is left", "[control][golden]") {
    Dom0 dom0;
    auto const nodes = dom0.tree();
    auto const disk = (dom0.folder / "disk").string();
    std::ofstream{dom0.folder / "odd"} << "short";
    auto const other_disk = [&](std::string const& type, std::string const& path) {
        return "<disk type='" + type + "'><source " + (type == "file" ? "file" : "dev") + "='" + path + "'/><target dev='xvda'/></disk>";
    };
    CHECK(dom0.error({.kernel = "/nowhere"}) ==
          "d.xml:4: <kernel> /nowhere: open: No such file or directory; copy it there or correct the path");
    CHECK(dom0.error({.kernel = disk}) == "d.xml:4: <kernel>: " + disk +
          ": it is neither a Linux bzImage nor an ELF file, so it is no kernel that can be started");
    CHECK(dom0.error({.os = "<initrd>/nowhere</initrd>"}) ==
          "d.xml:4: <initrd> /nowhere: open: No such file or directory; copy it there or correct the path");
    CHECK(dom0.error({.devices = other_disk("file", "/nowhere")}) ==
          "d.xml:6: disk xvda: /nowhere: open: No such file or directory; create it or correct <source>");
    CHECK(dom0.error({.devices = other_disk("block", disk)}) == "d.xml:6: disk xvda: " + disk +
          " is not a block device; for an image file write <disk type='file'>");
    CHECK(dom0.error({.devices = other_disk("file", "/dev/null")}) ==
          "d.xml:6: disk xvda: /dev/null is not a regular file; for a block device write <disk type='block'>");
    CHECK(dom0.error({.devices = other_disk("file", (dom0.folder / "odd").string())}) ==
          "d.xml:6: disk xvda: " + (dom0.folder / "odd").string() + " has 5 bytes; a disk image has a multiple of 512, at least 512");
    CHECK(dom0.error({.devices = Dom0::interface("br9")}) ==
          "d.xml:6: the bridge br9 does not exist in dom0; make it (ip link add br9 type bridge) or correct <source bridge=>");
    CHECK(dom0.error({.devices = Dom0::interface("eth0")}) ==
          "d.xml:6: eth0 is a network device of dom0 but not a bridge; name a bridge");
    CHECK(dom0.error({.memory = "<memory unit='MiB'>300</memory>"}) ==
          "d.xml: domain d needs 300 MiB and 2 MiB for itself, and 255 MiB are free; lower <memory>, or end another domain");
    CHECK(dom0.error({.memory = "<memory unit='MiB'>4</memory>"}) ==
          "d.xml: create domain d: the kernel and its ramdisk need 5 MiB to start, and the domain's <memory> is 4 MiB; give it more");
    CHECK(dom0.tree() == nodes);
    CHECK(dom0.privcmd.domains().size() == 1);
}

TEST_CASE("a name belongs to one domain", "[control][golden]") {
    Dom0 dom0;
    REQUIRE(dom0.create({}));
    CHECK(dom0.error({}) == "d.xml: a domain named 'd' is there already (id 1); choose another <name> or run 'hospes destroy d' first");
    CHECK(dom0.create({.name = "e"}));
}

TEST_CASE("a uuid belongs to one domain", "[control][golden]") {
    Dom0 dom0;
    std::string const uuid = "<uuid>2f1b3c4d-0000-4000-8000-00000000000a</uuid>";
    REQUIRE(dom0.create({.name = "a", .more = uuid}));
    CHECK(dom0.error({.name = "b", .more = uuid}) ==
          "d.xml: domain 1 has the <uuid> 2f1b3c4d-0000-4000-8000-00000000000a already; leave <uuid> out, or choose another");
    REQUIRE(dom0.control.destroy(DomId{1}));
    CHECK(dom0.create({.name = "b", .more = uuid}));
}

TEST_CASE("a disk that is written to belongs to one domain", "[control][golden]") {
    Dom0 dom0;
    for (auto const* const domain : {"vbd/1/51712", "vbd/2/51712", "vbd/3/51712"}) dom0.answer(domain, "connected");
    auto const path = (dom0.folder / "disk").string();
    auto const in_use = "d.xml:6: disk xvda: " + path + " is in use by domain a; a disk that is written to belongs to one domain";
    SECTION("two writers") {
        REQUIRE(dom0.create({.name = "a", .devices = dom0.disk()}));
        CHECK(dom0.error({.devices = dom0.disk()}) == in_use);
        CHECK(dom0.error({.devices = dom0.disk("<readonly/>")}) == in_use);
        fs::create_symlink(path, dom0.folder / "link");
        CHECK_THAT(dom0.error({.devices = "<disk type='file'><source file='" + (dom0.folder / "link").string() +
                                          "'/><target dev='xvda'/></disk>"}), Contains("is in use by domain a"));
    }
    SECTION("two readers") {
        REQUIRE(dom0.create({.name = "a", .devices = dom0.disk("<readonly/>")}));
        CHECK(dom0.error({.devices = dom0.disk()}) == in_use);
        CHECK(dom0.create({.devices = dom0.disk("<readonly/>")}));
    }
    SECTION("two that share") {
        REQUIRE(dom0.create({.name = "a", .devices = dom0.disk("<shareable/>")}));
        CHECK(dom0.error({.devices = dom0.disk()}) == in_use);
        CHECK(dom0.create({.devices = dom0.disk("<shareable/>")}));
    }
}

TEST_CASE("a disk's back end is told whether to pass on what the domain discards", "[control]") {
    Dom0 dom0;
    dom0.answer("vbd/1/51712", "connected");
    auto const [more, told] = GENERATE(table<char const*, char const*>(
        {{"", "1"}, {"<driver name='phy'/>", "1"}, {"<driver discard='unmap'/>", "1"}, {"<driver discard='ignore'/>", "0"}}));
    REQUIRE(dom0.create({.devices = dom0.disk(more)}));
    CHECK(dom0.read("/local/domain/0/backend/vbd/1/51712/discard-enable") == told);
}

TEST_CASE("a backend's refusal is the error, and the domain is gone", "[control][golden]") {
    Dom0 dom0;
    auto const frames = dom0.privcmd.free_frames();
    dom0.answer("vbd/1/51712", "error", "the image is on fire");
    CHECK(dom0.error({.devices = dom0.disk()}) ==
          "d.xml:6: disk xvda (" + (dom0.folder / "disk").string() + "): the image is on fire");
    CHECK(dom0.privcmd.domains().size() == 1);
    CHECK(dom0.privcmd.free_frames() == frames);
    CHECK(dom0.error({.devices = Dom0::interface("br0")}) ==
          "d.xml:6: interface 0 (bridge br0): netbackd has not answered for 0 s; is it running? See 'journalctl -u hospes-netbackd'");
    CHECK(dom0.privcmd.domains().size() == 1);
    CHECK(dom0.store.directory("/local/domain/0/backend/vif")->empty());
}

TEST_CASE("a disk that dom0 has as a loop device is in use", "[control][golden]") {
    Dom0 dom0;
    fs::create_directories(dom0.folder / "block/loop3/loop");
    std::ofstream{dom0.folder / "block/loop3/loop/backing_file"} << (dom0.folder / "disk").string() << "\n";
    CHECK(dom0.error({.devices = dom0.disk()}) == "d.xml:6: disk xvda: " + (dom0.folder / "disk").string() +
          " is in use in dom0 as /dev/loop3; detach that first (losetup -d)");
}

TEST_CASE("a domain is gone when its backends have let go of its disks", "[control]") {
    Dom0 dom0;
    dom0.answer("vbd/1/51712", "connected");
    REQUIRE(dom0.create({.devices = dom0.disk()}));
    std::string const state = "/local/domain/0/backend/vbd/1/51712/state";
    // A backend that closes one event after it has been told to.
    auto const backend = dom0.server.connect();
    int events = 0;
    bool has_closed = false;
    auto const watch = dom0.store.watch(state, [&](std::string_view) {
        if (has_closed || !backend.exists(state).value_or(false)) return;
        has_closed = ++events > 2;
        REQUIRE(backend.write(state, has_closed ? "6" : "5"));
    });
    REQUIRE(watch);
    DomainControl patient{dom0.privcmd, dom0.store, {}, ImageCache{""}, {.backends = {}, .release = std::chrono::seconds{20}}};
    REQUIRE(patient.destroy(DomId{1}));
    CHECK(has_closed);
    CHECK_FALSE(*dom0.store.exists(state));
}

TEST_CASE("a domain that has ended is not destroyed once more", "[control]") {
    Dom0 dom0;
    REQUIRE(dom0.create({}));
    REQUIRE(dom0.control.destroy(DomId{1}));
    auto const again = dom0.control.destroy(DomId{1});
    REQUIRE_FALSE(again);
    CHECK(again.error().code() == ESRCH);
    CHECK(again.error().message() == "domain 1 has ended");
}

TEST_CASE("the control domain is not destroyed", "[control]") {
    Dom0 dom0;
    CHECK(dom0.control.destroy(kDomIdDom0).error().code() == EPERM);
    CHECK(dom0.privcmd.domains().contains(kDomIdDom0));
}

TEST_CASE("a kernel is asked only when it listens", "[control]") {
    Dom0 dom0;
    REQUIRE(dom0.create({}));
    CHECK(ask_kernel(dom0.store, DomId{1}, "poweroff").error().code() == ENOTSUP);
    REQUIRE(dom0.server.connect(DomId{1}).write("/local/domain/1/control/feature-poweroff", "1"));
    REQUIRE(ask_kernel(dom0.store, DomId{1}, "poweroff"));
    CHECK(dom0.read("/local/domain/1/control/shutdown") == "poweroff");
}

TEST_CASE("the list is the hypervisor's, with or without the store", "[control]") {
    Dom0 dom0;
    REQUIRE(dom0.create({}));
    dom0.privcmd.shut_down(DomId{1}, SHUTDOWN_crash);
    auto const with_store = list_domains(dom0.privcmd, &dom0.store);
    REQUIRE(with_store);
    REQUIRE(with_store->size() == 2);
    CHECK((*with_store)[0].name == "Domain-0");
    CHECK((*with_store)[1].name == "d");
    CHECK((*with_store)[1].state == DomainState::crashed);
    CHECK((*with_store)[1].memory_bytes == 64 << 20);
    CHECK((*with_store)[1].is_ours);
    CHECK((*list_domains(dom0.privcmd, nullptr))[1].name.empty());
    CHECK(find_domain(dom0.privcmd, &dom0.store, "d")->id == DomId{1});
    CHECK(find_domain(dom0.privcmd, nullptr, "1")->id == DomId{1});
    CHECK(find_domain(dom0.privcmd, nullptr, "").error().code() == ENOENT);  // no name is not the name of one without
    CHECK(find_domain(dom0.privcmd, &dom0.store, "e").error().message() == "there is no domain 'e'; there are: Domain-0, d");
}
