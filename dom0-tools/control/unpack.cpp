// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/control/unpack.hpp"

#include "dom0-tools/control/byte_reader.hpp"

#include <lz4.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>

namespace hospes::control {
namespace {

constexpr std::size_t kTrailer = 4;
constexpr std::size_t kLargest = std::size_t{512} << 20;
constexpr std::uint32_t kLz4LegacyMagic = 0x184c2102;

struct Format {
    std::array<std::uint8_t, 6> magic;
    std::size_t magic_size;
    std::string_view name;
    std::optional<Compression> compression;
};

// Source: Linux' lib/decompress.c lists the same magics.
constexpr std::array kFormats{
    Format{{0x1f, 0x8b}, 2, "gzip", Compression::gzip},
    Format{{0xfd, '7', 'z', 'X', 'Z', 0}, 6, "xz", Compression::xz},
    Format{{0x28, 0xb5, 0x2f, 0xfd}, 4, "zstd", Compression::zstd},
    Format{{0x02, 0x21, 0x4c, 0x18}, 4, "lz4", Compression::lz4},
    Format{{'B', 'Z', 'h'}, 3, "bzip2", std::nullopt},
    Format{{0x5d, 0x00, 0x00}, 3, "lzma", std::nullopt},
    Format{{0x89, 'L', 'Z', 'O'}, 4, "lzo", std::nullopt},
};

std::uint8_t* bytes_of(std::span<std::byte> span) { return reinterpret_cast<std::uint8_t*>(span.data()); }
std::uint8_t const* bytes_of(std::span<std::byte const> span) {
    return reinterpret_cast<std::uint8_t const*>(span.data());
}

std::unexpected<Error> damaged(Compression compression, std::string_view reason) {
    return fail(EINVAL, "the compressed kernel ({}) is damaged: {}", name_of(compression), reason);
}

Status check_filled(Compression compression, std::size_t produced, std::size_t wanted) {
    if (produced == wanted) return {};
    return damaged(compression, fmt::format("it unpacks to {} bytes and not to {}", produced, wanted));
}

Status unpack_gzip(std::span<std::byte const> payload, std::span<std::byte> output) {
    z_stream stream{};
    constexpr int kGzipOnly = 16 + MAX_WBITS;
    if (inflateInit2(&stream, kGzipOnly) != Z_OK) return fail(ENOMEM, "there is no memory to unpack the kernel");
    std::unique_ptr<z_stream, int (*)(z_stream*)> const guard{&stream, inflateEnd};
    stream.next_in = const_cast<Bytef*>(bytes_of(payload));  // zlib only reads it
    stream.avail_in = static_cast<uInt>(payload.size());
    stream.next_out = bytes_of(output);
    stream.avail_out = static_cast<uInt>(output.size());
    int const result = inflate(&stream, Z_FINISH);
    if (result != Z_STREAM_END) return damaged(Compression::gzip, stream.msg != nullptr ? stream.msg : "it ends early");
    return check_filled(Compression::gzip, stream.total_out, output.size());
}

Status unpack_xz(std::span<std::byte const> payload, std::span<std::byte> output) {
    std::uint64_t memory_limit = UINT64_MAX;
    std::size_t in = 0;
    std::size_t out = 0;
    auto const result = lzma_stream_buffer_decode(&memory_limit, 0, nullptr, bytes_of(payload), &in,
                                                  payload.size() - kTrailer, bytes_of(output), &out, output.size());
    if (result == LZMA_MEM_ERROR) return fail(ENOMEM, "there is no memory to unpack the kernel");
    if (result == LZMA_BUF_ERROR) return damaged(Compression::xz, "its length is not what its end says");
    if (result != LZMA_OK) return damaged(Compression::xz, fmt::format("liblzma's error {}", static_cast<int>(result)));
    return check_filled(Compression::xz, out, output.size());
}

Status unpack_zstd(std::span<std::byte const> payload, std::span<std::byte> output) {
    auto const size = ZSTD_decompress(output.data(), output.size(), payload.data(), payload.size() - kTrailer);
    if (ZSTD_isError(size) != 0) return damaged(Compression::zstd, ZSTD_getErrorName(size));
    return check_filled(Compression::zstd, size, output.size());
}

// lz4's old frame, which Linux uses: the magic, then blocks of up to 8 MiB, each with its packed size before it.
Status unpack_lz4(std::span<std::byte const> payload, std::span<std::byte> output) {
    std::size_t out = 0;
    auto const end = payload.size() - kTrailer;
    for (std::size_t in = sizeof(kLz4LegacyMagic); in < end;) {
        auto const size = read_at<std::uint32_t>(payload.first(end), in);
        if (!size) return damaged(Compression::lz4, "it ends inside a block");
        in += sizeof(*size);
        if (*size == kLz4LegacyMagic) continue;
        auto const block = slice(payload.first(end), in, *size);
        if (!block) return damaged(Compression::lz4, "it ends inside a block");
        constexpr std::size_t kBlockLimit = std::size_t{8} << 20;
        auto const room = std::min(output.size() - out, kBlockLimit);
        int const got = LZ4_decompress_safe(reinterpret_cast<char const*>(block->data()),
                                            reinterpret_cast<char*>(output.data() + out), static_cast<int>(*size),
                                            static_cast<int>(room));
        if (got < 0) return damaged(Compression::lz4, "a block cannot be unpacked");
        out += static_cast<std::size_t>(got);
        in += *size;
    }
    return check_filled(Compression::lz4, out, output.size());
}

}  // namespace

std::string_view name_of(Compression compression) {
    auto const row = std::ranges::find(kFormats, compression, &Format::compression);
    return row->name;
}

Result<Compression> detect_compression(std::span<std::byte const> payload) {
    for (auto const& format : kFormats) {
        auto const start = slice(payload, 0, format.magic_size);
        if (!start || !std::equal(start->begin(), start->end(), format.magic.begin(),
                                  [](std::byte a, std::uint8_t b) { return std::to_integer<std::uint8_t>(a) == b; })) {
            continue;
        }
        if (format.compression) return *format.compression;
        return fail(EINVAL, "the kernel is compressed with {}; gzip, xz, zstd and lz4 are supported", format.name);
    }
    return fail(EINVAL, "the kernel is compressed in an unknown way; gzip, xz, zstd and lz4 are supported");
}

Result<std::size_t> unpacked_size(std::span<std::byte const> payload) {
    auto const size = payload.size() < kTrailer ? std::nullopt
                                                : read_at<std::uint32_t>(payload, payload.size() - kTrailer);
    if (size && *size > 0 && *size <= kLargest) return *size;
    return fail(EINVAL, "the compressed kernel is damaged: it says that it unpacks to {} bytes", size.value_or(0));
}

Status unpack(Compression compression, std::span<std::byte const> payload, std::span<std::byte> output) {
    if (payload.size() < 2 * kTrailer) return damaged(compression, "it is too short");
    switch (compression) {
        case Compression::gzip: return unpack_gzip(payload, output);
        case Compression::xz: return unpack_xz(payload, output);
        case Compression::zstd: return unpack_zstd(payload, output);
        case Compression::lz4: return unpack_lz4(payload, output);
    }
    return fail(EINVAL, "unknown compression");
}

}  // namespace hospes::control
