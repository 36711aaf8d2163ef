// SPDX-License-Identifier: Apache-2.0
// {fmt} for programs that are linked statically: Debian has the library itself as a shared one only.
#include <fmt/format-inl.h>

FMT_BEGIN_NAMESPACE
namespace detail {

// What its headers promise to be found elsewhere (`extern template`).
template FMT_API auto thousands_sep_impl(locale_ref) -> thousands_sep_result<char>;
template FMT_API auto decimal_point_impl(locale_ref) -> char;

}  // namespace detail
FMT_END_NAMESPACE
