// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/control/domain_xml.hpp"

#include "dom0-tools/control/cpu_tune.hpp"
#include "dom0-tools/control/memory_size.hpp"

#include <algorithm>
#include <charconv>
#include <set>

namespace hospes::control {
namespace {

constexpr std::uint64_t kMiB = 1 << 20;

bool is_name_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '+' || c == '-';
}

std::optional<unsigned> parse_unsigned(std::string const& text) {
    unsigned value = 0;
    auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

LifecycleAction action_of(std::string const& word) {
    if (word == "restart") return LifecycleAction::restart;
    if (word == "preserve") return LifecycleAction::preserve;
    return LifecycleAction::destroy;
}

// The dialect is checked already: what has to be there is there, and enumerations hold a known word.
class Reader {
public:
    Reader(XmlElement root, std::string const& file) : root_{root}, file_{file} {}

    Result<DomainConfig> read() {
        using Step = Status (Reader::*)();
        for (Step const step : {&Reader::read_identity, &Reader::read_memory, &Reader::read_vcpus, &Reader::read_boot,
                                &Reader::read_actions, &Reader::read_devices}) {
            if (auto ok = (this->*step)(); !ok) return std::unexpected(std::move(ok).error());
        }
        return std::move(config_);
    }

private:
    template <typename... Args>
    std::unexpected<Error> fail_at(XmlElement const& element, fmt::format_string<Args...> format, Args&&... args) {
        return fail(EINVAL, "{}:{}: {}", file_, element.line(), fmt::format(format, std::forward<Args>(args)...));
    }

    Status read_identity() {
        auto const element = *root_.child("name");
        config_.name = element.text();
        bool const letters = std::ranges::all_of(config_.name, is_name_letter);
        bool const digits = std::ranges::all_of(config_.name, [](char c) { return c >= '0' && c <= '9'; });
        if (config_.name.empty() || config_.name.size() > 63 || !letters || digits) {
            return fail_at(element, "<name> is '{}'; a name has 1 to 63 of the letters A-Z a-z 0-9 . _ + - and is not a "
                           "number alone", config_.name.substr(0, 80));
        }
        if (auto const uuid = root_.child("uuid")) {
            config_.uuid = parse_uuid(uuid->text());
            if (!config_.uuid) {
                return fail_at(*uuid, "<uuid> is '{}'; a uuid looks like 6f0c1c1e-8f2b-4d6a-9a52-2f3f6f0d7c11 "
                               "(without the element, one is made)", uuid->text().substr(0, 80));
            }
        }
        if (auto const title = root_.child("title")) config_.title = title->text();
        if (auto const description = root_.child("description")) config_.description = description->text();
        return {};
    }

    Result<std::uint64_t> memory_size(XmlElement const& element) {
        auto const size = parse_memory_size(element.text(), element.attribute("unit").value_or("KiB"));
        if (!size) return fail_at(element, "<{}>: {}", element.name(), size.error().message());
        return (*size + kMiB - 1) / kMiB * kMiB;
    }

    Status read_memory() {
        auto const element = *root_.child("memory");
        auto const size = memory_size(element);
        if (!size) return std::unexpected(size.error());
        constexpr std::uint64_t kLeast = 4 * kMiB;
        constexpr std::uint64_t kMost = std::uint64_t{1} << 40;
        if (*size < kLeast || *size > kMost) {
            return fail_at(element, "<memory> is {} MiB; a domain has from 4 MiB to 1048576 MiB (without unit= the number is "
                           "in KiB)", *size / kMiB);
        }
        config_.memory_bytes = *size;
        auto const current = root_.child("currentMemory");
        if (!current) return {};
        auto const now = memory_size(*current);
        if (!now) return std::unexpected(now.error());
        if (*now == *size) return {};
        return fail_at(*current, "<currentMemory> is {} MiB and <memory> {} MiB; they have to be equal, as memory is not "
                       "given or taken later", *now / kMiB, *size / kMiB);
    }

    Status read_vcpus() { return read_cpu_tune(root_, file_, config_); }

    Result<BootFile> boot_file(XmlElement const& element) {
        auto const path = element.text();
        if (path.starts_with('/')) return BootFile{path, element.line()};
        return fail_at(element, "<{}> is '{}'; give the absolute path of a file in dom0", element.name(),
                       path.substr(0, 200));
    }

    Status read_boot() {
        auto const os = *root_.child("os");
        auto kernel = boot_file(*os.child("kernel"));
        if (!kernel) return std::unexpected(kernel.error());
        config_.kernel = *std::move(kernel);
        if (auto const element = os.child("initrd")) {
            auto initrd = boot_file(*element);
            if (!initrd) return std::unexpected(initrd.error());
            config_.initrd = *std::move(initrd);
        }
        auto const element = os.child("cmdline");
        if (!element) return {};
        config_.command_line = element->text();
        constexpr std::size_t kMost = 1023;  // start_info has 1024 bytes with the final zero
        if (config_.command_line.size() <= kMost) return {};
        return fail_at(*element, "<cmdline> has {} bytes; a domain's command line has at most {}",
                       config_.command_line.size(), kMost);
    }

    Status read_actions() {
        auto const read = [&](char const* name, LifecycleAction& action) {
            if (auto const element = root_.child(name)) action = action_of(element->text());
        };
        read("on_poweroff", config_.on_poweroff);
        read("on_reboot", config_.on_reboot);
        read("on_crash", config_.on_crash);
        return {};
    }

    Status read_devices() {
        auto const devices = root_.child("devices");
        if (!devices) return {};
        for (auto const& element : devices->children()) {
            if (element.name() == "disk") {
                if (auto ok = read_disk(element); !ok) return ok;
            } else if (element.name() == "interface") {
                if (auto ok = read_interface(element); !ok) return ok;
            }
        }
        return {};
    }

    Status read_disk(XmlElement const& element) {
        Disk disk;
        disk.line = element.line();
        disk.is_block_device = element.attribute("type") == "block";
        auto const* const wanted = disk.is_block_device ? "dev" : "file";
        auto const source = *element.child("source");
        disk.source = source.attribute(wanted).value_or("");
        if (!disk.source.starts_with('/') || source.attributes().size() != 1) {
            return fail_at(source, "<source> of a disk of type '{0}' has {1}= with the absolute path of the {2}, and nothing "
                           "else", disk.is_block_device ? "block" : "file", wanted,
                           disk.is_block_device ? "device" : "image file");
        }
        auto const target = *element.child("target");
        disk.target = *target.attribute("dev");
        auto const number = virtual_device_number(disk.target);
        if (!number) {
            return fail_at(target, "<target dev='{}'>: a disk is named xvda, xvdb and so on, without a partition number",
                           disk.target.substr(0, 40));
        }
        disk.virtual_device = *number;
        if (!targets_.insert(disk.target).second) {
            return fail_at(target, "<target dev='{}'> is used by an earlier disk; give each its own name", disk.target);
        }
        disk.read_only = element.child("readonly").has_value();
        disk.shareable = element.child("shareable").has_value();
        if (auto const driver = element.child("driver")) disk.discard = driver->attribute("discard") != "ignore";
        config_.disks.push_back(std::move(disk));
        return {};
    }

    Status read_interface(XmlElement const& element) {
        Interface card;
        card.line = element.line();
        card.bridge = *element.child("source")->attribute("bridge");
        if (!is_device_name(card.bridge)) return bad_device_name(*element.child("source"), "bridge", card.bridge);
        if (auto const target = element.child("target")) {
            card.target = *target->attribute("dev");
            if (!is_device_name(*card.target)) return bad_device_name(*target, "dev", *card.target);
        }
        if (auto const mac = element.child("mac")) {
            auto const text = *mac->attribute("address");
            card.mac = parse_mac(text);
            if (!card.mac || (card.mac->bytes[0] & 1) != 0) {
                return fail_at(*mac, "<mac address='{}'>: an address looks like 00:16:3e:01:02:03, with an even first byte",
                               text.substr(0, 40));
            }
            if (!macs_.insert(to_string(*card.mac)).second) {
                return fail_at(*mac, "<mac address='{}'> is used by an earlier interface; give each its own", text);
            }
        }
        if (auto const mtu = element.child("mtu")) {
            card.mtu = parse_unsigned(*mtu->attribute("size"));
            if (!card.mtu || *card.mtu < 68 || *card.mtu > 65517) {
                return fail_at(*mtu, "<mtu size='{}'>: a size is from 68 to 65517 bytes",
                               mtu->attribute("size")->substr(0, 40));
            }
        }
        config_.interfaces.push_back(std::move(card));
        return {};
    }

    // The kernel's rule for names of network devices.
    static bool is_device_name(std::string const& name) {
        return !name.empty() && name.size() <= 15 && name != "." && name != ".." && std::ranges::all_of(name, is_name_letter);
    }

    Status bad_device_name(XmlElement const& element, char const* attribute, std::string const& name) {
        return fail_at(element, "<{} {}='{}'>: the name of a network device has 1 to 15 of the letters A-Z a-z 0-9 . _ + -",
                       element.name(), attribute, name.substr(0, 40));
    }

    XmlElement root_;
    std::string const& file_;
    DomainConfig config_;
    std::set<std::string> targets_;
    std::set<std::string> macs_;
};

Result<DomainXml> read_checked(std::string const& text, std::string const& file) {
    auto const document = XmlDocument::parse(text, file);
    if (!document) return std::unexpected(document.error());
    auto warnings = check_dialect(document->root(), file);
    if (!warnings) return std::unexpected(std::move(warnings).error());
    auto config = Reader{document->root(), file}.read();
    if (!config) return std::unexpected(std::move(config).error());
    return DomainXml{*std::move(config), *std::move(warnings)};
}

}  // namespace

// What is quoted from a description may hold line ends; the message stays one line.
Result<DomainXml> read_domain_xml(std::string const& text, std::string const& file) {
    auto read = read_checked(text, file);
    if (read) return read;
    auto message = read.error().message();
    std::ranges::replace_if(message, [](char c) { return c == '\n' || c == '\r' || c == '\t'; }, ' ');
    return std::unexpected(Error{read.error().code(), std::move(message)});
}

}  // namespace hospes::control
