// SPDX-License-Identifier: Apache-2.0
// The control domain's end of a virtual network cable: a tap interface, which goes when this object goes.
#pragma once

#include "dom0-tools/base/unique_fd.hpp"

#include <cstdint>
#include <string>

namespace hospes::netbackd {

// What the other end of the cable can take without its checksum, or larger than the MTU.
struct Offloads {
    bool checksum = false;
    bool tcp4_segmentation = false;
    bool tcp6_segmentation = false;
};

class Tap {
public:
    // Makes the interface, down and in no bridge. ENAMETOOLONG for more than 15 characters, EBUSY if there is one of that name.
    static Result<Tap> create(std::string const& name);

    std::string const& name() const { return name_; }
    int fd() const { return fd_.get(); }  // non-blocking; each read and write is a TapHeader and a frame

    Status set_mtu(std::uint32_t mtu);
    // Adds it to the bridge. The error's message is for whoever configured the bridge.
    Status join(std::string const& bridge);
    Status bring_up();
    Status set_offloads(Offloads offloads);

private:
    Status set_station_address();

    std::string name_;
    UniqueFd fd_;
    UniqueFd control_;  // any socket: interfaces are configured through one
};

// The MTU of an interface, e.g. of a bridge.
Result<std::uint32_t> mtu_of(std::string const& interface);

}  // namespace hospes::netbackd
