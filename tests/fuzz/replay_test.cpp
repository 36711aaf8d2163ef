// SPDX-License-Identifier: Apache-2.0
// Without libFuzzer: each target plays the inputs of its corpus, which are those that reach what no smaller one reaches, and those that
// have found something. TARGETS is a list of TARGET(name).
#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

using Target = int(unsigned char const* data, std::size_t size);

#define TARGET(name) extern "C" Target play_##name;
TARGETS
#undef TARGET

namespace {

void play_all(std::string const& folder, Target& target) {
    unsigned played = 0;
    for (auto const& file : std::filesystem::directory_iterator{folder}) {
        INFO(file.path().string());
        std::ifstream stream{file.path(), std::ios::binary};
        std::vector<unsigned char> const bytes{std::istreambuf_iterator<char>{stream}, {}};
        CHECK(target(bytes.data(), bytes.size()) == 0);
        ++played;
    }
    CHECK(played > 0);
}

}  // namespace

#define TARGET(name) \
    TEST_CASE("the corpus of " #name) { play_all("tests/fuzz/corpus/" #name, play_##name); }
TARGETS
