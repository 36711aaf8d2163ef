// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "hypervisor/loader/bzimage.hpp"
#include "hypervisor/loader/elf_image.hpp"

using namespace hospes::loader;
using Catch::Matchers::Contains;
using File = std::vector<unsigned char>;

namespace {

template <typename Number>
void put(File& file, size_t at, Number number) {
  memcpy(file.data() + at, &number, sizeof(number));
}

// A bzImage with `payload` behind two sectors of set-up code.
File bzimage(const File& payload) {
  File file(3 * 512 + 0x2cc);
  file[0x1f1] = 2;
  put<uint16_t>(file, 0x1fe, 0xaa55);
  memcpy(file.data() + 0x202, "HdrS", 4);
  put<uint16_t>(file, 0x206, 0x20f);
  put<uint32_t>(file, 0x248, 0x2cc);
  put<uint32_t>(file, 0x24c, static_cast<uint32_t>(payload.size()));
  file.insert(file.end(), payload.begin(), payload.end());
  file.resize(file.size() + 100);
  return file;
}

File payload_with(std::vector<unsigned char> magic, uint32_t unpacked) {
  File payload(64);
  std::copy(magic.begin(), magic.end(), payload.begin());
  put(payload, payload.size() - 4, unpacked);
  return payload;
}

const File kXz = {0xfd, '7', 'z', 'X', 'Z', 0};

template <typename Value>
std::string message_of(const Outcome<Value>& outcome) {
  REQUIRE_FALSE(outcome.ok());
  return std::string(outcome.why().text.view());
}

// An ELF64 executable with one segment of 16 bytes behind its headers.
File elf() {
  File file(64 + 56 + 16);
  memcpy(file.data(), "\177ELF\2\1\1", 7);
  put<uint16_t>(file, 16, 2);
  put<uint16_t>(file, 18, 62);
  put<uint64_t>(file, 24, 0x1000);
  put<uint64_t>(file, 32, 64);
  put<uint16_t>(file, 54, 56);
  put<uint16_t>(file, 56, 1);
  put<uint32_t>(file, 64, 1);
  put<uint32_t>(file, 68, 5);
  put<uint64_t>(file, 72, 120);
  put<uint64_t>(file, 80, 0x1000);
  put<uint64_t>(file, 96, 16);
  put<uint64_t>(file, 104, 32);
  return file;
}

}  // namespace

TEST_CASE("the payload of a bzImage is found and its compression told by its magic") {
  const struct {
    File magic;
    Compression compression;
    size_t packed;
  } kinds[] = {{kXz, Compression::xz, 60},
               {{0x28, 0xb5, 0x2f, 0xfd}, Compression::zstd, 60},
               {{0x02, 0x21, 0x4c, 0x18}, Compression::lz4, 60},
               {{0x1f, 0x8b, 8, 0}, Compression::gzip, 64}};
  for (const auto& kind : kinds) {
    INFO(name_of(kind.compression));
    const File file = bzimage(payload_with(kind.magic, 12345));
    const Outcome<Payload> payload = find_payload("vmlinuz", file);
    REQUIRE(payload.ok());
    CHECK(payload.value().compression == kind.compression);
    CHECK(payload.value().unpacked_size == 12345);
    CHECK(payload.value().packed.data() == file.data() + 3 * 512 + 0x2cc);
    CHECK(payload.value().packed.size() == kind.packed);
  }
}

TEST_CASE("an ELF file is its own payload") {
  const File file = elf();
  const Outcome<Payload> payload = find_payload("vmlinux", file);
  REQUIRE(payload.ok());
  CHECK(payload.value().compression == Compression::none);
  CHECK(payload.value().packed.size() == file.size());
  CHECK(payload.value().unpacked_size == file.size());
}

TEST_CASE("a header of no set-up sectors means four") {
  File file(5 * 512);
  const File good = bzimage(payload_with(kXz, 1));
  std::copy_n(good.begin(), 0x260, file.begin());
  file[0x1f1] = 0;
  put<uint32_t>(file, 0x248, 0);
  const File payload = payload_with(kXz, 1);
  file.insert(file.end(), payload.begin(), payload.end());
  const Outcome<Payload> found = find_payload("vmlinuz", file);
  REQUIRE(found.ok());
  CHECK(found.value().packed.data() == file.data() + 5 * 512);
}

TEST_CASE("files that are no kernel, or a damaged one, are refused with the file's name") {
  const File good = bzimage(payload_with(kXz, 12345));
  CHECK_THAT(message_of(find_payload("k", File{})), Contains("k: not a Linux kernel"));
  CHECK_THAT(message_of(find_payload("k", File(100000, 'x'))), Contains("neither a bzImage"));

  File old = good;
  put<uint16_t>(old, 0x206, 0x207);
  CHECK_THAT(message_of(find_payload("k", old)), Contains("k: Linux boot protocol 2.7 is too old"));

  const File cut(good.begin(), good.end() - 101);
  CHECK_THAT(message_of(find_payload("k", cut)), Contains("k: cut off"));

  CHECK_THAT(message_of(find_payload("k", bzimage(payload_with({'B', 'Z', 'h', '9'}, 1)))), Contains("none of gzip, xz"));
  CHECK_THAT(message_of(find_payload("k", bzimage(payload_with(kXz, 0)))), Contains("unpacked size of 0"));
  CHECK_THAT(message_of(find_payload("k", bzimage(payload_with(kXz, 0x40000001)))), Contains("unpacked size"));
  CHECK_THAT(message_of(find_payload("k", bzimage(File(8, 0)))), Contains("damaged header"));

  File far = good;
  put<uint32_t>(far, 0x248, 0xffffffff);
  put<uint32_t>(far, 0x24c, 0xffffffff);
  CHECK_THAT(message_of(find_payload("k", far)), Contains("cut off"));
}

TEST_CASE("an ELF image for x86-64 is read with its segments") {
  const File file = elf();
  const Outcome<ElfImage> image = read_elf("core", file);
  REQUIRE(image.ok());
  CHECK(image.value().entry == 0x1000);
  REQUIRE(image.value().loads().size() == 1);
  const Segment& segment = image.value().loads()[0];
  CHECK(segment.file_offset == 120);
  CHECK(segment.file_size == 16);
  CHECK(segment.virtual_address == 0x1000);
  CHECK(segment.memory_size == 32);
  CHECK((segment.readable && segment.executable && !segment.writable));
}

TEST_CASE("ELF images of another kind, or damaged, are refused") {
  const auto changed = [](size_t at, auto number) {
    File file = elf();
    put(file, at, number);
    return message_of(read_elf("k", file));
  };
  CHECK_THAT(message_of(read_elf("k", File(10))), Contains("k: not an ELF"));
  CHECK_THAT(changed(0, uint8_t{0}), Contains("not an ELF"));
  CHECK_THAT(changed(4, uint8_t{1}), Contains("not a 64-bit"));
  CHECK_THAT(changed(18, uint16_t{183}), Contains("ELF machine 183 is not x86-64"));
  CHECK_THAT(changed(16, uint16_t{1}), Contains("ELF type 1"));
  CHECK_THAT(changed(54, uint16_t{55}), Contains("program headers are not 56"));
  CHECK_THAT(changed(32, uint64_t{81}), Contains("program headers lie outside"));
  CHECK_THAT(changed(32, ~uint64_t{0}), Contains("program headers lie outside"));
  CHECK_THAT(changed(72, uint64_t{121}), Contains("segment 0 ends outside"));
  CHECK_THAT(changed(96, ~uint64_t{0}), Contains("segment 0 ends outside"));
  CHECK_THAT(changed(104, uint64_t{15}), Contains("larger in the file"));
  CHECK_THAT(changed(64, uint32_t{2}), Contains("no ELF segment"));
}

TEST_CASE("random damage to kernel files gives a value inside the file or a message") {
  const unsigned seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  const File images[] = {bzimage(payload_with(kXz, 12345)), elf()};
  for (int i = 0; i < 20000; ++i) {
    File file = images[random() % 2];
    for (uint64_t edits = 1 + random() % 8; edits != 0; --edits) {
      file[random() % file.size()] = static_cast<unsigned char>(random());
    }
    file.resize(1 + random() % file.size());
    const Outcome<Payload> payload = find_payload("k", file);
    if (payload.ok()) {
      REQUIRE(payload.value().packed.data() >= file.data());
      REQUIRE(payload.value().packed.data() + payload.value().packed.size() <= file.data() + file.size());
    }
    const Outcome<ElfImage> image = read_elf("k", file);
    if (image.ok()) {
      for (const Segment& segment : image.value().loads()) {
        REQUIRE(lies_within(segment.file_offset, segment.file_size, file.size()));
      }
    }
  }
}
