// SPDX-License-Identifier: Apache-2.0
//
// What a step of the loader gives: its value, or the one message for the person at the screen.
#pragma once

#include <utility>

#include "text.hpp"

namespace hospes::loader {

/// Why a step failed: names the object, the rule and, where there is one, the remedy.
struct Problem {
  Message text;
};

/// Builds a Problem from pieces of text and numbers.
template <typename... Pieces>
[[nodiscard]] Problem problem(const Pieces&... pieces) {
  Problem result;
  (result.text << ... << pieces);
  return result;
}

/// A value or a Problem. T is default-constructible.
template <typename T>
class [[nodiscard]] Outcome {
 public:
  Outcome(T value) : value_(std::move(value)), ok_(true) {}   // NOLINT: a value is an outcome
  Outcome(const Problem& why) : problem_(why), ok_(false) {}  // NOLINT: so is a problem

  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] const T& value() const { return value_; }
  [[nodiscard]] T take() { return std::move(value_); }
  [[nodiscard]] const Problem& why() const { return problem_; }

 private:
  T value_{};
  Problem problem_{};
  bool ok_;
};

/// For steps that give nothing but success.
struct Done {};

}  // namespace hospes::loader
