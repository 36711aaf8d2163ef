// SPDX-License-Identifier: Apache-2.0
// Random commands of a privileged client, in and out of transactions, against a plain map of paths to values.
#include "xenstore/client/client.hpp"
#include "xenstore/testing/memory_store.hpp"

#include <catch2/catch.hpp>

#include <map>
#include <random>

namespace hospes::xenstore {

namespace {

// What a store is, in the simplest words.
class Model {
public:
    void write(std::string const& path, std::string const& value) {
        mkdir(path);
        nodes_[path] = value;
    }
    void mkdir(std::string const& path) {
        for (auto at = path; !at.empty(); at.resize(at.rfind('/'))) nodes_.try_emplace(at);
    }
    bool remove(std::string const& path) {
        auto const parent = path.substr(0, path.rfind('/'));
        if (!parent.empty() && !nodes_.contains(parent)) return false;
        std::erase_if(nodes_, [&](auto const& node) { return node.first == path || node.first.starts_with(path + "/"); });
        return true;
    }
    std::optional<std::string> read(std::string const& path) const {
        auto const node = nodes_.find(path);
        return node == nodes_.end() ? std::nullopt : std::optional{node->second};
    }
    std::vector<std::string> directory(std::string const& path) const {
        std::vector<std::string> names;
        for (auto const& [other, value] : nodes_) {
            if (other.starts_with(path + "/") && other.find('/', path.size() + 1) == std::string::npos) names.push_back(other.substr(path.size() + 1));
        }
        return names;
    }

private:
    std::map<std::string, std::string> nodes_;
};

class Walk {
public:
    explicit Walk(unsigned seed) : random_{seed} {}

    void run() {
        for (int i = 0; i < 200; ++i) {
            if (random_() % 10 == 0) {
                transaction();
            } else {
                step(client_, model_);
            }
        }
        CHECK(client_.control({"check"}).value() == "OK");
    }

private:
    std::string path() {
        std::string path;
        for (auto depth = 1 + random_() % 4; depth > 0; --depth) path += "/" + std::string(1, static_cast<char>('a' + random_() % 3));
        return path;
    }

    void step(StoreView const& store, Model& model) {
        auto const at = path();
        switch (random_() % 5) {
            case 0: {
                auto const value = std::to_string(random_() % 100);
                CHECK(store.write(at, value));
                model.write(at, value);
                break;
            }
            case 1:
                CHECK(store.mkdir(at));
                model.mkdir(at);
                break;
            case 2: CHECK(store.remove(at).has_value() == model.remove(at)); break;
            case 3: CHECK(store.read_if_present(at).value() == model.read(at)); break;
            case 4: {
                auto const names = store.directory(at);
                CHECK(names.has_value() == model.read(at).has_value());
                if (names) CHECK(*names == model.directory(at));
            }
        }
    }

    // Several steps that count together or not at all.
    void transaction() {
        bool const is_wanted = random_() % 3 != 0;
        auto copy = model_;
        auto const body = [&](StoreView const& store) -> Status {
            copy = model_;
            for (auto i = random_() % 10; i > 0; --i) step(store, copy);
            if (!is_wanted) return fail(ECANCELED, "not wanted");
            return {};
        };
        CHECK(client_.transact(body).has_value() == is_wanted);
        if (is_wanted) model_ = copy;
    }

    std::mt19937 random_;
    MemoryStore store_;
    Client client_ = store_.connect();
    Model model_;
};

}  // namespace

TEST_CASE("the store agrees with a plain map under random commands", "[xenstore][server][property]") {
    auto const first = std::random_device{}();
    for (unsigned i = 0; i < 50; ++i) {
        auto const seed = first + i;
        INFO("seed " << seed);
        Walk{seed}.run();
    }
}

}  // namespace hospes::xenstore
