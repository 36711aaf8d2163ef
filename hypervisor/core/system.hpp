// SPDX-License-Identifier: Apache-2.0
// The parts of one running core, wired once by boot/main.cpp (and by each test for itself).
#pragma once

namespace hospes {

class FrameTable;
class Heap;
class PageTypes;
class DomainList;
class Scheduler;

struct System {
    FrameTable& frames;
    Heap& heap;
    PageTypes& page_types;
    DomainList& domains;
    Scheduler& scheduler;
};

}  // namespace hospes
