// SPDX-License-Identifier: Apache-2.0
// ICU's data, empty: libxml2 asks ICU for encodings that neither of the two knows by itself, and the tables of those take 30 MB.
// A description in one of them is refused; UTF-8, UTF-16, ISO-8859-1 and ASCII need no table.
#include <unicode/udata.h>

#include <cstddef>

namespace {

constexpr std::size_t kHeaderSize = 32;

// A data file's header and a table of contents without entries, as ICU's "ucmndata" describes them.
struct alignas(16) EmptyData {
    std::uint16_t header_size = kHeaderSize;
    std::uint8_t magic[2] = {0xda, 0x27};
    UDataInfo info{.size = sizeof(UDataInfo),
                   .reservedWord = 0,
                   .isBigEndian = U_IS_BIG_ENDIAN,
                   .charsetFamily = U_CHARSET_FAMILY,
                   .sizeofUChar = U_SIZEOF_UCHAR,
                   .reservedByte = 0,
                   .dataFormat = {'T', 'o', 'C', 'P'},
                   .formatVersion = {1, 0, 0, 0},
                   .dataVersion = {0, 0, 0, 0}};
    char padding[kHeaderSize - 4 - sizeof(UDataInfo)] = {};
    std::uint32_t entries = 0;
};
static_assert(offsetof(EmptyData, entries) == kHeaderSize);

}  // namespace

extern "C" EmptyData const U_ICUDATA_ENTRY_POINT;
constinit EmptyData const U_ICUDATA_ENTRY_POINT{};
