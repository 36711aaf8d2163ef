// SPDX-License-Identifier: Apache-2.0
#include "hypervisor/loader/config.hpp"

#include <catch2/catch.hpp>
#include <random>
#include <string>

using namespace hospes::loader;
using Catch::Matchers::Contains;

namespace {

Outcome<Config> parse(std::string_view text) { return parse_config("hospes.cfg", text); }

std::string message_of(std::string_view text) {
  const Outcome<Config> config = parse(text);
  REQUIRE_FALSE(config.ok());
  return std::string(config.why().text.view());
}

}  // namespace

TEST_CASE("a full hospes.cfg gives the loader its files and the core its options") {
  const Outcome<Config> config = parse(
      "# Hospes on this machine\n"
      "kernel = vmlinuz   # the stock one\n"
      "\n"
      "\tkernel_args = console=hvc0 root=/dev/vda1 \r\n"
      "ramdisk=initrd.img\n"
      "dom0_mem = 512M\n"
      "options = com1=115200 noreboot\n"
      "loglvl = debug");
  REQUIRE(config.ok());
  CHECK(config.value().kernel == "vmlinuz");
  CHECK(config.value().kernel_args == "console=hvc0 root=/dev/vda1");
  CHECK(config.value().ramdisk == "initrd.img");
  CHECK(config.value().core_options.view() == "dom0_mem=512M com1=115200 noreboot loglvl=debug");
}

TEST_CASE("a kernel alone is enough") {
  const Outcome<Config> config = parse("kernel = vmlinuz");
  REQUIRE(config.ok());
  CHECK(config.value().ramdisk.empty());
  CHECK(config.value().kernel_args.empty());
  CHECK(config.value().core_options.view().empty());
}

TEST_CASE("a number sign inside a word starts no comment") {
  const Outcome<Config> config = parse("kernel = vmlinuz#1\nkernel_args = a#b #c");
  REQUIRE(config.ok());
  CHECK(config.value().kernel == "vmlinuz#1");
  CHECK(config.value().kernel_args == "a#b");
}

TEST_CASE("an equals sign belongs to the value from the second on") {
  const Outcome<Config> config = parse("kernel = v\noptions = a=b=c");
  REQUIRE(config.ok());
  CHECK(config.value().core_options.view() == "a=b=c");
}

TEST_CASE("mistakes in hospes.cfg are named with file, line and rule") {
  CHECK_THAT(message_of("ramdisk = x\n"), Contains("hospes.cfg: 'kernel' is missing"));
  CHECK_THAT(message_of(""), Contains("'kernel' is missing"));
  CHECK_THAT(message_of("kernel = a\n\nkernel = b"), Contains("hospes.cfg:3: 'kernel' is given a second time"));
  CHECK_THAT(message_of("# x\nnoreboot\n"), Contains("hospes.cfg:2: 'noreboot' has no '='"));
  CHECK_THAT(message_of("kernel =\n"), Contains("hospes.cfg:1: 'kernel' has no value"));
  CHECK_THAT(message_of("Kernel = a\n"), Contains("'Kernel' is no key"));
  CHECK_THAT(message_of("= a\n"), Contains("'' is no key"));
  CHECK_THAT(message_of("kernel = a\nloglvl = a b\n"), Contains("hospes.cfg:2: the value of 'loglvl' has a blank"));
  CHECK_THAT(message_of("kernel = vmlinuz console=hvc0\n"), Contains("goes into 'kernel_args"));
  CHECK_THAT(message_of(std::string("kernel = a\nx = \0\n", 18)), Contains("hospes.cfg:2: byte 0x0 is not allowed"));
  CHECK_THAT(message_of("kernel = \xc3\xa4\n"), Contains("byte 0xc3"));
}

TEST_CASE("a misspelt key of the loader's is not taken for an option of the core") {
  for (const char* key : {"kernal", "kernl", "kernells", "kernel-args", "kernel_arg", "kenrel_args", "ramdisc", "option"}) {
    INFO(key);
    const std::string text = std::string("kernel = a\n") + key + " = b\n";
    if (std::string(key) == "kernells") {
      CHECK(parse(text).ok());  // two slips are no slip
    } else {
      CHECK_THAT(message_of(text), Contains("did you mean"));
    }
  }
}

TEST_CASE("values that would not fit are refused, not cut") {
  const std::string fits(kMaxDom0Command, 'x');
  CHECK(parse("kernel = a\nkernel_args = " + fits).ok());
  CHECK_THAT(message_of("kernel = a\nkernel_args = x" + fits), Contains("at most 1023"));
  CHECK_THAT(message_of("kernel = " + std::string(kMaxPath + 1, 'x')), Contains("at most"));
  CHECK(parse("kernel = a\noptions = " + std::string(1000, 'x')).ok());
  CHECK_THAT(message_of("kernel = a\noptions = " + std::string(999, 'x') + "\nb = c"), Contains("longer than 1000"));
}

TEST_CASE("random edits of a good file give a value or a message") {
  const unsigned seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  const std::string good = "# c\nkernel = vmlinuz\nkernel_args = a b=c\nramdisk = i\ndom0_mem = 512M\noptions = x y\n";
  for (int i = 0; i < 20000; ++i) {
    std::string text = good;
    for (uint64_t edits = 1 + random() % 6; edits != 0; --edits) {
      const size_t at = random() % text.size();
      switch (random() % 3) {
        case 0:
          text[at] = static_cast<char>(random());
          break;
        case 1:
          text.erase(at, random() % 8);
          break;
        default:
          text.insert(at, 1, "=#\n \t_k"[random() % 7]);
      }
      text += '\n';
    }
    const Outcome<Config> config = parse(text);
    if (config.ok()) {
      REQUIRE_FALSE(config.value().kernel.empty());
    } else {
      REQUIRE(config.why().text.view().starts_with("hospes.cfg:"));
    }
  }
}
