// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/control/domain_xml.hpp"

#include "tests/unit/dom0-tools/control/xml_samples.hpp"

#include <catch2/catch.hpp>

using namespace hospes::control;

namespace {

std::string error_of(std::string const& xml) {
    auto const read = read_domain_xml(xml, "d.xml");
    return read ? "no error" : read.error().message();
}

DomainConfig config_of(std::string const& xml) {
    auto const read = read_domain_xml(xml, "d.xml");
    INFO((read ? "" : read.error().message()));
    REQUIRE(read);
    return read->config;
}

struct Golden {
    char const* what;
    std::string xml;
    char const* message;
};

}  // namespace

TEST_CASE("the smallest description is a domain with defaults", "[xml]") {
    auto const config = config_of(domain_xml({}));
    CHECK(config.name == "d");
    CHECK(config.memory_bytes == 64u << 20);
    CHECK(config.vcpus == 1);
    CHECK(config.kernel.path == "/k");
    CHECK(config.kernel.line == 4);
    CHECK_FALSE(config.initrd);
    CHECK(config.on_poweroff == LifecycleAction::destroy);
    CHECK(config.on_reboot == LifecycleAction::restart);
    CHECK(config.on_crash == LifecycleAction::destroy);
    CHECK(config.disks.empty());
    CHECK(config.interfaces.empty());
}

TEST_CASE("everything that is supported reaches the configuration", "[xml]") {
    auto const config = config_of(full_domain_xml());
    CHECK(config.name == "web-1");
    CHECK(to_string(*config.uuid) == "6f0c1c1e-8f2b-4d6a-9a52-2f3f6f0d7c11");
    CHECK(config.title == "a title");
    CHECK(config.description == "a description");
    CHECK(config.memory_bytes == 256u << 20);
    CHECK(config.vcpus == 4);
    CHECK(config.online_vcpus == 2);
    CHECK(config.cpu_tune.weight == 512);
    CHECK(config.cpu_tune.vcpu_cap == 50);
    CHECK(config.cpu_tune.domain_cap == 150);
    CHECK(config.cpu_tune.pins.size() == 4);
    CHECK(config.initrd->path == "/boot/initrd");
    CHECK(config.command_line == "root=/dev/xvda console=hvc0");
    CHECK(config.on_poweroff == LifecycleAction::preserve);
    CHECK(config.on_reboot == LifecycleAction::destroy);
    CHECK(config.on_crash == LifecycleAction::restart);
    REQUIRE(config.disks.size() == 2);
    CHECK(config.disks[0].source == "/img");
    CHECK_FALSE(config.disks[0].is_block_device);
    CHECK(config.disks[0].virtual_device == 51712);
    CHECK(config.disks[0].read_only);
    CHECK(config.disks[1].source == "/dev/sdb");
    CHECK(config.disks[1].is_block_device);
    CHECK(config.disks[1].shareable);
    CHECK_FALSE(config.disks[0].discard);
    CHECK(config.disks[1].discard);
    CHECK_FALSE(config.disks[1].read_only);
    REQUIRE(config.interfaces.size() == 1);
    CHECK(to_string(*config.interfaces[0].mac) == "00:16:3e:01:02:03");
    CHECK(config.interfaces[0].bridge == "br0");
    CHECK(config.interfaces[0].target == "web0");
    CHECK(config.interfaces[0].mtu == 9000);
}

TEST_CASE("memory is in KiB unless a unit says otherwise, and is rounded up to a MiB", "[xml]") {
    auto const memory = [](std::string const& element) {
        return config_of(domain_xml({.memory = element})).memory_bytes >> 20;
    };
    CHECK(memory("<memory>65536</memory>") == 64);
    CHECK(memory("<memory unit='KiB'>65537</memory>") == 65);
    CHECK(memory("<memory unit='MiB'>64</memory>") == 64);
    CHECK(memory("<memory unit='GiB'>2</memory>") == 2048);
    CHECK(memory("<memory unit='MB'>64</memory>") == 62);
    CHECK(memory("<memory unit='b'>67108864</memory>") == 64);
}

TEST_CASE("bad descriptions get one sentence that names line, element, rule and remedy", "[xml][golden]") {
    auto const sample = GENERATE(values<Golden>({
        {"an open element", "<domain type='xen'>\n<name>a</nam>",
         "d.xml:2: this is not well-formed XML: Opening and ending tag mismatch: name line 2 and nam"},
        {"nothing", "  \n ", "d.xml:1: the file is empty; write a <domain type='xen'> element"},
        {"another root", "<network/>",
         "d.xml:1: the outermost element is <network>; a domain description has <domain type='xen'>"},
        {"a document type", "<!DOCTYPE domain [<!ENTITY a 'b'>]>\n<domain type='xen'><name>&a;</name></domain>",
         "d.xml:1: a document type declaration (<!DOCTYPE>) is not accepted; remove it"},
        {"another hypervisor", "<domain type='kvm'/>", "d.xml:1: <domain> attribute 'type' is 'kvm'; allowed: xen (type='xen')"},
        {"no type", "<domain/>", "d.xml:1: <domain> has no attribute 'type'; its values are: xen"},
        {"an unknown element", domain_xml({.more = "<flavour/>"}),
         "d.xml:5: <domain> has no element <flavour>; known are: name, uuid, title, description, metadata, memory, "
         "currentMemory, maxMemory, memoryBacking, memtune, numatune, blkiotune, vcpu, vcpus, cputune, iothreads, "
         "resource, sysinfo, genid, bootloader, bootloader_args, os, cpu, features, clock, on_poweroff, on_reboot, "
         "on_crash, on_lockfailure, pm, perf, idmap, keywrap, launchSecurity, seclabel, devices"},
        {"a misspelt element", domain_xml({.more = "<vcpus_>1</vcpus_>"}),
         "d.xml:5: <domain> has no element <vcpus_>; did you mean 'vcpus'?"},
        {"a misspelt attribute", domain_xml({.devices = "<disk typ='file'/>"}),
         "d.xml:6: <domain><devices><disk> has no attribute 'typ'; did you mean 'type'?"},
        {"a misspelt value", domain_xml({.devices = "<disk type='file'><source file='/i'/><target dev='xvda' bus='zen'/></disk>"}),
         "d.xml:6: <domain><devices><disk><target> attribute 'bus' is 'zen'; allowed: xen; did you mean 'xen'?"},
        {"a refused element", domain_xml({.devices = "<hostdev mode='subsystem'/>"}),
         "d.xml:6: <domain><devices><hostdev> is not supported: devices of the machine cannot be passed through; remove it"},
        {"another kind of guest", domain_xml({.type = "hvm"}),
         "d.xml:4: <domain><os><type> is 'hvm'; allowed: xen, linux (only paravirtualized domains are supported, written "
         "<type>xen</type>)"},
        {"a missing element", "<domain type='xen'>\n<name>a</name></domain>",
         "d.xml:1: <domain> has no <memory>; add one, for example <memory unit='MiB'>256</memory>"},
        {"an element twice", domain_xml({.more = "<name>e</name>"}),
         "d.xml:5: <domain><name> stands here a second time; only one is allowed"},
        {"stray text", domain_xml({.devices = "disk"}),
         "d.xml:6: <domain><devices> holds the text 'disk'; only elements may stand there"},
        {"a foreign namespace", domain_xml({.more = "<q:arg xmlns:q='urn:q'/>"}),
         "d.xml:5: <arg> of a foreign namespace stands inside <domain>; such elements belong inside <metadata>"},
        {"a bad name", domain_xml({.name = "a b"}),
         "d.xml:2: <name> is 'a b'; a name has 1 to 63 of the letters A-Z a-z 0-9 . _ + - and is not a number alone"},
        {"a number as name", domain_xml({.name = "12"}),
         "d.xml:2: <name> is '12'; a name has 1 to 63 of the letters A-Z a-z 0-9 . _ + - and is not a number alone"},
        {"a bad uuid", domain_xml({.more = "<uuid>1234</uuid>"}),
         "d.xml:5: <uuid> is '1234'; a uuid looks like 6f0c1c1e-8f2b-4d6a-9a52-2f3f6f0d7c11 (without the element, one is made)"},
        {"memory in words", domain_xml({.memory = "<memory>much</memory>"}), "d.xml:3: <memory>: 'much' is not a whole number"},
        {"an unknown unit", domain_xml({.memory = "<memory unit='MiBs'>64</memory>"}),
         "d.xml:3: <memory>: unit 'MiBs' is unknown; use KiB, MiB or GiB"},
        {"too little memory", domain_xml({.memory = "<memory>64</memory>"}),
         "d.xml:3: <memory> is 1 MiB; a domain has from 4 MiB to 1048576 MiB (without unit= the number is in KiB)"},
        {"two sizes of memory", domain_xml({.more = "<currentMemory unit='MiB'>32</currentMemory>"}),
         "d.xml:5: <currentMemory> is 32 MiB and <memory> 64 MiB; they have to be equal, as memory is not given or taken later"},
        {"a relative kernel", domain_xml({.kernel = "k"}),
         "d.xml:4: <kernel> is 'k'; give the absolute path of a file in dom0"},
        {"a disk of the wrong kind", domain_xml({.devices = "<disk type='file'><source dev='/i'/><target dev='xvda'/></disk>"}),
         "d.xml:6: <source> of a disk of type 'file' has file= with the absolute path of the image file, and nothing else"},
        {"a disk called sda", domain_xml({.devices = "<disk type='file'><source file='/i'/><target dev='sda'/></disk>"}),
         "d.xml:6: <target dev='sda'>: a disk is named xvda, xvdb and so on, without a partition number"},
        {"a disk name twice", domain_xml({.devices = "<disk type='file'><source file='/i'/><target dev='xvda'/></disk>\n"
                                                     "<disk type='file'><source file='/j'/><target dev='xvda'/></disk>"}),
         "d.xml:7: <target dev='xvda'> is used by an earlier disk; give each its own name"},
        {"a multicast address", domain_xml({.devices = "<interface type='bridge'><source bridge='b'/><mac address='01:00:00:00:00:01'/></interface>"}),
         "d.xml:6: <mac address='01:00:00:00:00:01'>: an address looks like 00:16:3e:01:02:03, with an even first byte"},
        {"a long bridge name", domain_xml({.devices = "<interface type='bridge'><source bridge='a-name-of-sixteen'/></interface>"}),
         "d.xml:6: <source bridge='a-name-of-sixteen'>: the name of a network device has 1 to 15 of the letters A-Z a-z 0-9 . _ + -"},
        {"a tiny mtu", domain_xml({.devices = "<interface type='bridge'><source bridge='b'/><mtu size='10'/></interface>"}),
         "d.xml:6: <mtu size='10'>: a size is from 68 to 65517 bytes"},
    }));
    INFO(sample.what);
    CHECK(error_of(sample.xml) == sample.message);
}

TEST_CASE("what has no effect is said once", "[xml]") {
    auto const read = read_domain_xml(domain_xml({.devices = "<input type='mouse'/>\n<input type='keyboard'><x/></input>"}), "d.xml");
    REQUIRE(read);
    REQUIRE(read->warnings.size() == 1);
    CHECK(read->warnings[0] == "d.xml:6: <domain><devices><input> has no effect: it needs an emulated device, and there is "
                               "no emulator");
}

TEST_CASE("a command line fits into start_info with its final zero", "[xml]") {
    auto const with_length = [](std::size_t length) {
        return domain_xml({.os = "<cmdline>" + std::string(length, 'a') + "</cmdline>"});
    };
    CHECK(config_of(with_length(1023)).command_line.size() == 1023);
    CHECK(error_of(with_length(1024)) == "d.xml:4: <cmdline> has 1024 bytes; a domain's command line has at most 1023");
}

TEST_CASE("disk names have the numbers of Xen's interface", "[xml]") {
    CHECK(virtual_device_number("xvda") == 51712);
    CHECK(virtual_device_number("xvdb") == 51728);
    CHECK(virtual_device_number("xvdp") == 51952);
    CHECK(virtual_device_number("xvdq") == (1u << 28 | 16u << 8));
    CHECK(virtual_device_number("xvdaa") == (1u << 28 | 26u << 8));
    for (auto const* const bad : {"xvd", "xvda1", "sda", "xvdA", "xvdaaa", ""}) CHECK_FALSE(virtual_device_number(bad));
}

TEST_CASE("an address made from the uuid is the same each time and differs by interface", "[xml]") {
    auto const uuid = *parse_uuid("6f0c1c1e-8f2b-4d6a-9a52-2f3f6f0d7c11");
    CHECK(derived_mac(uuid, 0) == derived_mac(uuid, 0));
    CHECK_FALSE(derived_mac(uuid, 0) == derived_mac(uuid, 1));
    CHECK(to_string(derived_mac(uuid, 0)).starts_with("00:16:3e:"));
}

TEST_CASE("a uuid reads back as it was written", "[xml]") {
    auto const uuid = random_uuid();
    CHECK(parse_uuid(to_string(uuid)) == uuid);
    CHECK((uuid.bytes[6] >> 4) == 4);
    CHECK_FALSE(parse_uuid("6f0c1c1e-8f2b-4d6a-9a52-2f3f6f0d7c1"));
    CHECK_FALSE(parse_uuid("6f0c1c1e+8f2b-4d6a-9a52-2f3f6f0d7c11"));
    CHECK_FALSE(parse_uuid("6f0c1c1e-8f2b-4d6a-9a52-2f3f6f0d7c1g"));
}
