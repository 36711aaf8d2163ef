// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/loader/decoders.hpp"

#include <lz4hc.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "hypervisor/loader/lzma2.hpp"
#include "hypervisor/loader/x86_bcj.hpp"

using namespace hospes::loader;
using Data = std::vector<unsigned char>;

namespace {

constexpr uint64_t kPlenty = uint64_t{64} << 20;

// Something like a kernel: repeats near and far, calls and jumps close together, noise, zeroes.
Data kernel_like(std::mt19937& random, size_t size) {
  Data data;
  while (data.size() < size) {
    const size_t run = 1 + random() % 200;
    switch (random() % 5) {
      case 0:
        data.insert(data.end(), run * 4, 0);
        break;
      case 1:
        for (size_t i = 0; i < run; ++i) {
          data.push_back(static_cast<unsigned char>(random()));
        }
        break;
      case 2:
        for (size_t i = 0; i < run; ++i) {
          constexpr unsigned char kBytes[] = {0xe8, 0xe9, 0x00, 0xff, 0xe8, 0x01, 0xfe, 0x90};
          data.push_back(kBytes[random() % sizeof(kBytes)]);
        }
        break;
      default:
        if (!data.empty()) {
          const size_t from = random() % data.size();
          for (size_t i = 0; i < run; ++i) {
            data.push_back(data[from + i]);
          }
        }
    }
  }
  data.resize(size);
  return data;
}

struct XzShape {
  bool x86 = true;
  lzma_check check = LZMA_CHECK_CRC32;
  uint32_t dictionary = 1 << 16;
  uint32_t lc = 3;
  uint32_t lp = 0;
  uint32_t pb = 2;
};

Data pack_xz(const Data& plain, const XzShape& shape) {
  lzma_options_lzma options;
  REQUIRE_FALSE(lzma_lzma_preset(&options, 6));
  options.dict_size = shape.dictionary;
  options.lc = shape.lc;
  options.lp = shape.lp;
  options.pb = shape.pb;
  const lzma_filter both[] = {{LZMA_FILTER_X86, nullptr}, {LZMA_FILTER_LZMA2, &options}, {LZMA_VLI_UNKNOWN, nullptr}};
  Data packed(lzma_stream_buffer_bound(plain.size()));
  size_t used = 0;
  REQUIRE(lzma_stream_buffer_encode(const_cast<lzma_filter*>(shape.x86 ? both : both + 1), shape.check, nullptr, plain.data(),
                                    plain.size(), packed.data(), &used, packed.size()) == LZMA_OK);
  packed.resize(used);
  return packed;
}

Data pack_zstd(const Data& plain) {
  Data packed(ZSTD_compressBound(plain.size()));
  packed.resize(ZSTD_compress(packed.data(), packed.size(), plain.data(), plain.size(), 19));
  return packed;
}

Data pack_gzip(const Data& plain) {
  Data packed(plain.size() + plain.size() / 8 + 1000);
  z_stream stream{};
  REQUIRE(deflateInit2(&stream, 9, Z_DEFLATED, 31, 9, Z_DEFAULT_STRATEGY) == Z_OK);
  stream.next_in = const_cast<unsigned char*>(plain.data());
  stream.avail_in = static_cast<uInt>(plain.size());
  stream.next_out = packed.data();
  stream.avail_out = static_cast<uInt>(packed.size());
  REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

// As `lz4 -l` does it.
Data pack_lz4(const Data& plain) {
  constexpr size_t kBlock = 8 << 20;
  Data packed = {0x02, 0x21, 0x4c, 0x18};
  for (size_t at = 0; at < plain.size(); at += kBlock) {
    const int size = static_cast<int>(std::min(kBlock, plain.size() - at));
    Data block(static_cast<size_t>(LZ4_compressBound(size)));
    const int used = LZ4_compress_HC(reinterpret_cast<const char*>(plain.data() + at), reinterpret_cast<char*>(block.data()),
                                     size, static_cast<int>(block.size()), 9);
    for (int shift = 0; shift < 32; shift += 8) {
      packed.push_back(static_cast<unsigned char>(static_cast<unsigned>(used) >> shift));
    }
    packed.insert(packed.end(), block.begin(), block.begin() + used);
  }
  return packed;
}

Decoded unpack_to(Compression compression, const Data& packed, Data& target) {
  return decode({compression, packed, target.size()}, target, kPlenty);
}

void check_round_trip(Compression compression, const Data& packed, const Data& plain) {
  Data target(plain.size(), 0xcc);
  const Decoded decoded = unpack_to(compression, packed, target);
  INFO((decoded.failure != nullptr ? decoded.failure : ""));
  REQUIRE(decoded.failure == nullptr);
  REQUIRE(decoded.bytes == plain.size());
  REQUIRE(target == plain);
}

struct Seeded {
  unsigned seed = std::random_device{}();
  std::mt19937 random{seed};
};

}  // namespace

TEST_CASE("xz data of every property unpack to what was packed") {
  Seeded seeded;
  INFO("seed " << seeded.seed);
  for (const bool x86 : {true, false}) {
    for (const uint32_t lc : {0u, 3u, 4u}) {
      for (const uint32_t pb : {0u, 2u, 4u}) {
        const XzShape shape{x86, lc == 3 ? LZMA_CHECK_NONE : LZMA_CHECK_CRC32, 1 << 14, lc, 4 - lc, pb};
        const Data plain = kernel_like(seeded.random, 1 + seeded.random() % 200000);
        check_round_trip(Compression::xz, pack_xz(plain, shape), plain);
      }
    }
  }
}

TEST_CASE("xz data larger than an LZMA2 chunk, and data that do not shrink, unpack to what was packed") {
  Seeded seeded;
  INFO("seed " << seeded.seed);
  const Data large = kernel_like(seeded.random, 5 << 20);
  check_round_trip(Compression::xz, pack_xz(large, {}), large);
  Data noise(300000);
  for (unsigned char& byte : noise) {
    byte = static_cast<unsigned char>(seeded.random());
  }
  check_round_trip(Compression::xz, pack_xz(noise, {}), noise);
  check_round_trip(Compression::xz, pack_xz(Data(3 << 20, 0), {}), Data(3 << 20, 0));
}

TEST_CASE("xz data in a shape that Linux does not make go to liblzma") {
  Seeded seeded;
  INFO("seed " << seeded.seed);
  const Data plain = kernel_like(seeded.random, 100000);
  lzma_options_lzma options;
  REQUIRE_FALSE(lzma_lzma_preset(&options, 1));
  lzma_options_delta delta{LZMA_DELTA_TYPE_BYTE, 4, 0, 0, 0, 0, nullptr, nullptr};
  lzma_filter filters[] = {{LZMA_FILTER_DELTA, &delta}, {LZMA_FILTER_LZMA2, &options}, {LZMA_VLI_UNKNOWN, nullptr}};
  Data packed(lzma_stream_buffer_bound(plain.size()));
  size_t used = 0;
  REQUIRE(lzma_stream_buffer_encode(filters, LZMA_CHECK_CRC32, nullptr, plain.data(), plain.size(), packed.data(), &used,
                                    packed.size()) == LZMA_OK);
  packed.resize(used);
  check_round_trip(Compression::xz, packed, plain);

  Data target(plain.size());
  const Decoded poor = decode({Compression::xz, packed, target.size()}, target, 1 << 20);
  REQUIRE(poor.failure != nullptr);
  REQUIRE(poor.memory_needed > 1 << 20);
  CHECK(decode({Compression::xz, packed, target.size()}, target, poor.memory_needed).failure == nullptr);
}

TEST_CASE("xz data checked by CRC64 are refused by name") {
  const Data packed = pack_xz(Data(1000, 7), {true, LZMA_CHECK_CRC64});
  Data target(1000);
  const Decoded decoded = unpack_to(Compression::xz, packed, target);
  REQUIRE(decoded.failure != nullptr);
  CHECK(std::string(decoded.failure) == "its integrity check is not CRC32");
}

TEST_CASE("zstd, gzip and lz4 data unpack to what was packed") {
  Seeded seeded;
  INFO("seed " << seeded.seed);
  for (const size_t size : {size_t{1}, size_t{100000}, size_t{9} << 20}) {
    const Data plain = kernel_like(seeded.random, size);
    check_round_trip(Compression::zstd, pack_zstd(plain), plain);
    check_round_trip(Compression::gzip, pack_gzip(plain), plain);
    check_round_trip(Compression::lz4, pack_lz4(plain), plain);
    check_round_trip(Compression::none, plain, plain);
  }
}

TEST_CASE("damaged and cut data fail or unpack inside the target; checked ones never give other data") {
  Seeded seeded;
  INFO("seed " << seeded.seed);
  const Data plain = kernel_like(seeded.random, 20000);
  const struct {
    Compression compression;
    Data packed;
    bool checked;
  } kinds[] = {{Compression::xz, pack_xz(plain, {}), true},
               {Compression::xz, pack_xz(plain, {false, LZMA_CHECK_NONE}), false},
               {Compression::gzip, pack_gzip(plain), true},
               {Compression::zstd, pack_zstd(plain), false},
               {Compression::lz4, pack_lz4(plain), false}};
  for (const auto& kind : kinds) {
    INFO(name_of(kind.compression));
    for (int i = 0; i < 400; ++i) {
      Data packed = kind.packed;
      packed[seeded.random() % packed.size()] ^= static_cast<unsigned char>(1 + seeded.random() % 255);
      if (i % 4 == 0) {
        packed.resize(seeded.random() % packed.size());
      }
      Data target(plain.size());
      const Decoded decoded = unpack_to(kind.compression, packed, target);
      REQUIRE((decoded.failure != nullptr || decoded.bytes <= target.size()));
      if (kind.checked && decoded.failure == nullptr) {
        REQUIRE((decoded.bytes == plain.size() && target == plain));
      }
    }
  }
}

TEST_CASE("data that are longer than the target are refused") {
  Seeded seeded;
  INFO("seed " << seeded.seed);
  const Data plain = kernel_like(seeded.random, 50000);
  Data target(plain.size() - 1);
  CHECK(unpack_to(Compression::xz, pack_xz(plain, {}), target).failure != nullptr);
  CHECK(unpack_to(Compression::zstd, pack_zstd(plain), target).failure != nullptr);
  CHECK(unpack_to(Compression::gzip, pack_gzip(plain), target).failure != nullptr);
  CHECK(unpack_to(Compression::lz4, pack_lz4(plain), target).failure != nullptr);
  CHECK(unpack_to(Compression::none, plain, target).failure != nullptr);
}

TEST_CASE("the x86 filter is undone exactly as liblzma does it") {
  Seeded seeded;
  INFO("seed " << seeded.seed);
  for (int i = 0; i < 300; ++i) {
    const Data filtered = kernel_like(seeded.random, seeded.random() % 3000);
    // liblzma filters only in front of a compressor: pack the filtered bytes unfiltered, then read them as if filtered.
    lzma_options_lzma options;
    REQUIRE_FALSE(lzma_lzma_preset(&options, 1));
    options.dict_size = 1 << 16;
    lzma_filter chain[] = {{LZMA_FILTER_X86, nullptr}, {LZMA_FILTER_LZMA2, &options}, {LZMA_VLI_UNKNOWN, nullptr}};
    Data packed(filtered.size() + 1000);
    size_t packed_size = 0;
    REQUIRE(lzma_raw_buffer_encode(chain + 1, nullptr, filtered.data(), filtered.size(), packed.data(), &packed_size,
                                   packed.size()) == LZMA_OK);
    Data expected(filtered.size() + 1);
    size_t read = 0;
    size_t written = 0;
    REQUIRE(lzma_raw_buffer_decode(chain, nullptr, packed.data(), &read, packed_size, expected.data(), &written,
                                   expected.size()) == LZMA_OK);
    expected.resize(written);
    Data undone = filtered;
    undo_x86_bcj(undone);
    REQUIRE(undone == expected);
  }
}

TEST_CASE("an LZMA2 stream must begin with a dictionary and properties") {
  Data target(100);
  const unsigned char plain_first[] = {2, 0, 0, 'x', 0};
  CHECK_FALSE(decode_lzma2(plain_first, target, 4096).good);
  const unsigned char state_only[] = {0xa0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0};
  CHECK_FALSE(decode_lzma2(state_only, target, 4096).good);
  const unsigned char bad_properties[] = {0xe0, 0, 0, 0, 4, 44, 0, 0, 0, 0, 0, 0};  // lc 8
  CHECK_FALSE(decode_lzma2(bad_properties, target, 4096).good);
  const unsigned char good[] = {1, 0, 1, 'o', 'k', 0, 'r', 'e', 's', 't'};
  const Lzma2Result result = decode_lzma2(good, target, 4096);
  CHECK((result.good && result.read == 6 && result.written == 2));
  CHECK(decode_lzma2(std::span(good).first(5), target, 4096).good == false);
}
