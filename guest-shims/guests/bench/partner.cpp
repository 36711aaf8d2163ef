// SPDX-License-Identifier: Apache-2.0
#include "partner.hpp"

namespace hospes::guest {
namespace {

static_assert(offsetof(PartnerData, yields_on) == 8 && offsetof(PartnerData, yields) == 16);

extern "C" {
void partner_block();
extern const char partner_code[], partner_code_end[];
}

}  // namespace

Partner::Partner() : domain_(SmallCode{partner_code, partner_code_end}), page_(domain_.data()) {
    if (!domain_.usable() || !page_.usable()) return;
    EventPort remote{};
    if (connect(domain_, port_, remote) != 0) return;
    data().answer.port = raw(remote);
    usable_ = domain_.load(partner_block) == 0 && domain_.unpause() == 0;
}

Partner::~Partner() {
    if (usable_) static_cast<void>(close_port(port_));
}

}  // namespace hospes::guest
