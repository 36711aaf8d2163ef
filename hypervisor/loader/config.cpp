// SPDX-License-Identifier: Apache-2.0
#include "config.hpp"

namespace hospes::loader {
namespace {

struct Line {
  std::string_view name;  // the file's
  uint64_t number;
  std::string_view text;
};

template <typename... Pieces>
Problem at(const Line& line, const Pieces&... pieces) {
  return problem(line.name, ":", line.number, ": ", pieces...);
}

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

bool has_blank(std::string_view text) {
  for (const char c : text) {
    if (is_blank(c)) {
      return true;
    }
  }
  return false;
}

bool is_key_char(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-'; }

std::string_view trim(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) {
    text.remove_prefix(1);
  }
  while (!text.empty() && is_blank(text.back())) {
    text.remove_suffix(1);
  }
  return text;
}

std::string_view first(std::string_view text, size_t count) { return {text.data(), count}; }

std::string_view without_comment(std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '#' && (i == 0 || is_blank(text[i - 1]))) {
      return first(text, i);
    }
  }
  return text;
}

// Whether `a` becomes `b` by one insertion, deletion, replacement or swap of neighbours: what a slip of the hand makes.
bool is_slip_of(std::string_view a, std::string_view b) {
  while (!a.empty() && !b.empty() && a.front() == b.front()) {
    a.remove_prefix(1);
    b.remove_prefix(1);
  }
  while (!a.empty() && !b.empty() && a.back() == b.back()) {
    a.remove_suffix(1);
    b.remove_suffix(1);
  }
  const bool swapped = a.size() == 2 && b.size() == 2 && a[0] == b[1] && a[1] == b[0];
  return (a.size() <= 1 && b.size() <= 1) || swapped;
}

constexpr std::string_view kOwnKeys[] = {"kernel", "kernel_args", "ramdisk", "options"};

class Parser {
 public:
  Outcome<Done> take(const Line& line);
  Outcome<Config> finish(std::string_view name) const;

 private:
  Outcome<Done> take_pair(const Line& line, std::string_view key, std::string_view value);
  Outcome<Done> take_option(const Line& line, std::string_view key, std::string_view value);
  Outcome<Done> append_option(const Line& line, std::string_view key, std::string_view value);
  Outcome<Done> set_path(const Line& line, std::string_view key, std::string_view value, std::string_view& field);
  Outcome<Done> set(const Line& line, std::string_view key, std::string_view value, std::string_view& field, size_t limit);

  Config config_;
};

Outcome<Done> Parser::set(const Line& line, std::string_view key, std::string_view value, std::string_view& field,
                          size_t limit) {
  if (field.data() != nullptr) {
    return at(line, "'", key, "' is given a second time: each key may appear once");
  }
  if (value.size() > limit) {
    return at(line, "'", key, "' is ", value.size(), " characters long; at most ", limit, " fit");
  }
  field = value;
  return Done{};
}

// A blank in a path is more often Xen's way of giving the command line than part of a name.
Outcome<Done> Parser::set_path(const Line& line, std::string_view key, std::string_view value, std::string_view& field) {
  if (has_blank(value)) {
    return at(line, "'", key, "' has a blank in it: it is one path; the kernel's command line goes into 'kernel_args = ...'");
  }
  return set(line, key, value, field, kMaxPath);
}

Outcome<Done> Parser::append_option(const Line& line, std::string_view key, std::string_view value) {
  const size_t before = config_.core_options.view().size();
  const size_t more = (before != 0 ? 1 : 0) + key.size() + (key.empty() ? 0 : 1) + value.size();
  if (before + more > decltype(config_.core_options)::kCapacity) {
    return at(line, "the core's options are longer than ", decltype(config_.core_options)::kCapacity,
              " characters together: leave some out");
  }
  if (before != 0) {
    config_.core_options << ' ';
  }
  if (!key.empty()) {
    config_.core_options << key << '=';
  }
  config_.core_options << value;
  return Done{};
}

// A key that is not the loader's: one word, so that the core's options stay a list of words.
Outcome<Done> Parser::take_option(const Line& line, std::string_view key, std::string_view value) {
  for (const std::string_view own : kOwnKeys) {
    if (is_slip_of(key, own)) {
      return at(line, "unknown key '", key, "'; did you mean '", own, "'?");
    }
  }
  if (has_blank(value)) {
    return at(line, "the value of '", key, "' has a blank in it: an option of the core is one word");
  }
  return append_option(line, key, value);
}

Outcome<Done> Parser::take_pair(const Line& line, std::string_view key, std::string_view value) {
  if (key == "kernel_args") {
    return set(line, key, value, config_.kernel_args, kMaxDom0Command);
  }
  if (value.empty()) {
    return at(line, "'", key, "' has no value: write '", key, " = value', or remove the line");
  }
  if (key == "kernel") {
    return set_path(line, key, value, config_.kernel);
  }
  if (key == "ramdisk") {
    return set_path(line, key, value, config_.ramdisk);
  }
  if (key == "options") {
    return append_option(line, {}, value);
  }
  return take_option(line, key, value);
}

Outcome<Done> Parser::take(const Line& line) {
  for (const char c : line.text) {
    if ((c < ' ' && !is_blank(c)) || c > '~') {
      return at(line, "byte ", Hex{static_cast<unsigned char>(c)}, " is not allowed: the file is plain ASCII text");
    }
  }
  const std::string_view text = trim(without_comment(line.text));
  if (text.empty()) {
    return Done{};
  }
  const size_t equals = text.find('=');
  if (equals == std::string_view::npos) {
    return at(line, "'", text, "' has no '=': each line is 'key = value', words alone go into 'options = ...'");
  }
  const std::string_view key = trim(first(text, equals));
  std::string_view value = text;
  value.remove_prefix(equals + 1);
  bool good_key = !key.empty();
  for (const char c : key) {
    good_key = good_key && is_key_char(c);
  }
  if (!good_key) {
    return at(line, "'", key, "' is no key: a key is made of a-z, 0-9, '_' and '-'");
  }
  return take_pair(line, key, trim(value));
}

Outcome<Config> Parser::finish(std::string_view name) const {
  if (config_.kernel.empty()) {
    return problem(name, ": 'kernel' is missing: name dom0's kernel with 'kernel = FILE'");
  }
  return config_;
}

}  // namespace

Outcome<Config> parse_config(std::string_view name, std::string_view text) {
  Parser parser;
  uint64_t number = 0;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    const size_t length = end == std::string_view::npos ? text.size() : end;
    const Outcome<Done> taken = parser.take({name, ++number, first(text, length)});
    if (!taken.ok()) {
      return taken.why();
    }
    text.remove_prefix(end == std::string_view::npos ? length : length + 1);
  }
  return parser.finish(name);
}

}  // namespace hospes::loader
