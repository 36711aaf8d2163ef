// SPDX-License-Identifier: Apache-2.0
// The main function of targets that libFuzzer cannot have, because clang 14 does not compile the dom0 programs (std::expected): it changes
// inputs at random and keeps those that reach code which none before has reached (GCC's -fsanitize-coverage=trace-pc). Of libFuzzer's
// options it has those that fuzz.mk uses, and means the same by them:
//   [-seed=N] [-runs=N] [-max_total_time=SECONDS] [-max_len=BYTES] [-artifact_prefix=PATH] FOLDER...    finds go into the first folder
//   -merge=1 TO FROM...                                                                                takes what TO has not
//   FILE...                                                                                            plays inputs
#include <sanitizer/common_interface_defs.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(unsigned char const* data, std::size_t size);
extern "C" void __sanitizer_cov_trace_pc();
extern "C" char const __executable_start;

namespace {

using Input = std::vector<unsigned char>;

constexpr std::size_t kPlaces = 1 << 16;
std::array<unsigned char, kPlaces> counts;  // how often the run has come to each place of the code
std::array<unsigned char, kPlaces> known;   // a bit for each order of magnitude in which a run has come there

std::string artifact_prefix;
Input playing;

}  // namespace

// At each basic block.
extern "C" void __sanitizer_cov_trace_pc() {
    auto const offset = static_cast<std::size_t>(static_cast<char const*>(__builtin_return_address(0)) - &__executable_start);
    unsigned char& count = counts[(offset ^ offset >> 16) % kPlaces];
    if (count != 255) ++count;
}

namespace {

struct Options {
    std::uint64_t seed = std::random_device{}();
    unsigned long runs = ~0ul;
    long seconds = 30;
    std::size_t most_bytes = 4096;
    bool merges = false;
    std::vector<std::filesystem::path> paths;
};

Options read_options(int count, char** words) {
    Options options;
    for (std::string const& word : std::vector<std::string>{words + 1, words + count}) {
        auto const equals = word.find('=');
        auto const name = word.substr(0, equals), value = equals == std::string::npos ? "" : word.substr(equals + 1);
        if (word[0] != '-') options.paths.emplace_back(word);
        else if (name == "-seed") options.seed = std::stoull(value);
        else if (name == "-runs") options.runs = std::stoul(value);
        else if (name == "-max_total_time") options.seconds = std::stol(value);
        else if (name == "-max_len") options.most_bytes = std::stoul(value);
        else if (name == "-artifact_prefix") artifact_prefix = value;
        else if (name == "-merge") options.merges = value == "1";
        else std::fprintf(stderr, "unknown option %s\n", word.c_str()), std::exit(2);
    }
    return options;
}

std::string name_of(Input const& input) {
    std::uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
    for (unsigned char const byte : input) hash = (hash ^ byte) * 0x100000001b3;
    std::array<char, 17> text{};
    std::snprintf(text.data(), text.size(), "%016lx", hash);
    return text.data();
}

void write(std::string const& path, Input const& input) {
    std::ofstream{path, std::ios::binary}.write(reinterpret_cast<char const*>(input.data()), static_cast<std::streamsize>(input.size()));
}

void keep_crash() {
    auto const path = artifact_prefix + "crash-" + name_of(playing);
    write(path, playing);
    std::fprintf(stderr, "input (%zu bytes) kept as %s\n", playing.size(), path.c_str());
}

// The files, and those in the folders, the smallest first.
std::vector<Input> read_all(std::vector<std::filesystem::path> const& paths) {
    std::vector<Input> inputs;
    auto const read = [&](std::filesystem::path const& path) {
        std::ifstream stream{path, std::ios::binary};
        inputs.emplace_back(std::istreambuf_iterator<char>{stream}, std::istreambuf_iterator<char>{});
    };
    for (auto const& path : paths) {
        if (!std::filesystem::is_directory(path)) read(path);
        else for (auto const& file : std::filesystem::directory_iterator{path}) read(file.path());
    }
    std::ranges::sort(inputs, [](Input const& a, Input const& b) { return a.size() != b.size() ? a.size() < b.size() : a < b; });
    return inputs;
}

unsigned char magnitude(unsigned char count) {
    return count == 0 ? 0 : static_cast<unsigned char>(1 << (count < 4 ? count - 1 : count < 8 ? 3 : count < 16 ? 4 : count < 32 ? 5 : count < 128 ? 6 : 7));
}

// Plays an input. True: it has come where none has come before, or, where `often_counts`, more often than any.
bool reaches_more(Input const& input, bool often_counts = true) {
    playing = input;
    counts.fill(0);
    (void)LLVMFuzzerTestOneInput(playing.data(), playing.size());
    bool is_new = false;
    for (std::size_t i = 0; i < kPlaces; ++i) {
        auto const bit = magnitude(often_counts ? counts[i] : std::min<unsigned char>(counts[i], 1));
        if ((bit & ~known[i]) == 0) continue;
        known[i] = static_cast<unsigned char>(known[i] | bit);
        is_new = true;
    }
    return is_new;
}

class Mutator {
public:
    Mutator(std::uint64_t seed, std::size_t most_bytes) : random_{seed}, most_bytes_{most_bytes} {}

    Input child_of(std::vector<Input> const& corpus) {
        Input child = any_of(corpus);
        for (std::size_t i = std::size_t{1} << below(4); i > 0; --i) change(child, any_of(corpus));
        if (child.size() > most_bytes_) child.resize(most_bytes_);
        return child;
    }

private:
    std::size_t below(std::size_t end) { return static_cast<std::size_t>(random_() % end); }
    unsigned char byte() { return static_cast<unsigned char>(random_()); }
    Input const& any_of(std::vector<Input> const& corpus) { return corpus[below(corpus.size())]; }

    Input piece_of(Input const& from) {
        auto const start = below(from.size()), size = 1 + below(std::min<std::size_t>(from.size() - start, 64));
        return {from.begin() + static_cast<std::ptrdiff_t>(start), from.begin() + static_cast<std::ptrdiff_t>(start + size)};
    }
    void change(Input& input, Input const& other) {
        constexpr std::array<unsigned char, 8> kSpecial{0, 1, 0x7f, 0x80, 0xff, '0', '-', '<'};
        auto const at = input.empty() ? 0 : below(input.size());
        auto const place = input.begin() + static_cast<std::ptrdiff_t>(at);
        if (input.empty()) return input.push_back(byte());
        switch (below(8)) {
        case 0: *place = static_cast<unsigned char>(*place ^ 1 << below(8)); break;
        case 1: *place = byte(); break;
        case 2: *place = kSpecial[below(kSpecial.size())]; break;
        case 3: *place = static_cast<unsigned char>(*place + (below(2) == 0 ? 1 : 255)); break;
        case 4: input.insert(place, 1 + below(4), byte()); break;
        case 5: input.erase(place, place + static_cast<std::ptrdiff_t>(1 + below(std::min<std::size_t>(input.size() - at, 64)))); break;
        case 6: insert(input, at, other.empty() ? Input{0} : piece_of(other)); break;
        default: overwrite(input, at, piece_of(other.empty() ? input : other));
        }
    }
    static void insert(Input& input, std::size_t at, Input const& piece) {
        input.insert(input.begin() + static_cast<std::ptrdiff_t>(at), piece.begin(), piece.end());
    }
    static void overwrite(Input& input, std::size_t at, Input const& piece) {
        auto const size = std::min(piece.size(), input.size() - at);
        std::copy_n(piece.begin(), size, input.begin() + static_cast<std::ptrdiff_t>(at));
    }

    std::mt19937_64 random_;
    std::size_t most_bytes_;
};

int merge(std::vector<std::filesystem::path> const& paths) {
    for (Input const& input : read_all({paths.front()})) (void)reaches_more(input, false);
    unsigned taken = 0;
    for (Input const& input : read_all({paths.begin() + 1, paths.end()})) {
        if (!reaches_more(input, false)) continue;
        write(paths.front() / name_of(input), input);
        ++taken;
    }
    std::printf("%u inputs taken\n", taken);
    return 0;
}

int search(Options const& options) {
    std::vector<Input> corpus = read_all(options.paths);
    for (Input const& input : corpus) (void)reaches_more(input);
    std::printf("seed %lu, %zu inputs to begin with\n", options.seed, corpus.size());
    std::fflush(stdout);
    if (corpus.empty()) corpus.emplace_back();

    Mutator mutator{options.seed, options.most_bytes};
    auto const end = std::chrono::steady_clock::now() + std::chrono::seconds{options.seconds};
    unsigned long runs = 0;
    for (; runs < options.runs && std::chrono::steady_clock::now() < end; ++runs) {
        Input child = mutator.child_of(corpus);
        if (!reaches_more(child)) continue;
        write(options.paths.front() / name_of(child), child);
        corpus.push_back(std::move(child));
    }
    std::printf("%lu runs, %zu inputs kept, %zu places reached\n", runs, corpus.size(),
                static_cast<std::size_t>(std::ranges::count_if(known, [](unsigned char bits) { return bits != 0; })));
    return 0;
}

}  // namespace

int main(int count, char** words) {
    __sanitizer_set_death_callback(keep_crash);
    std::signal(SIGABRT, [](int) {
        keep_crash();
        std::_Exit(1);
    });
    Options const options = read_options(count, words);
    if (options.paths.empty()) return std::fprintf(stderr, "no folder\n"), 2;
    if (options.merges) return merge(options.paths);
    if (std::ranges::all_of(options.paths, [](auto const& path) { return std::filesystem::is_directory(path); })) return search(options);
    for (Input const& input : read_all(options.paths)) (void)reaches_more(input);
    return 0;
}
