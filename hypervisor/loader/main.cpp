// SPDX-License-Identifier: Apache-2.0
//
// hospes.efi: reads hospes.cfg and the files it names, unpacks dom0's kernel, and enters the core it carries.
#include "config.hpp"
#include "console.hpp"
#include "enter_core.hpp"
#include "unpack.hpp"
#include "volume.hpp"

extern "C" {
extern const unsigned char hospes_core_elf_start[] __attribute__((visibility("hidden")));
extern const unsigned char hospes_core_elf_end[] __attribute__((visibility("hidden")));
}

namespace hospes::loader {
namespace {

constexpr std::string_view kConfigName = "hospes.cfg";
constexpr uint64_t kMaxKernelFile = uint64_t{1} << 30;
constexpr uint64_t kMaxRamdisk = uint64_t{4} << 30;

// One run of the loader; its steps in order.
class Loader {
 public:
  explicit Loader(const Efi& efi) : efi_(efi), console_(efi) { cargo_.tsc_at_entry = start_; }

  // Returns only when something is wrong.
  Problem run() {
    using Step = Outcome<Done> (Loader::*)();
    for (const Step step : {&Loader::read_config, &Loader::load_kernel, &Loader::load_ramdisk, &Loader::load_core}) {
      const Outcome<Done> done = (this->*step)();
      if (!done.ok()) {
        return done.why();
      }
    }
    console_.stage("entering the core", start_);
    return enter_core(efi_, cargo_);
  }

  [[nodiscard]] const Console& console() const { return console_; }

 private:
  Outcome<Done> read_config();
  Outcome<Done> load_kernel();
  Outcome<Done> unpack_kernel(const FileContents& file);
  Outcome<Done> load_ramdisk();
  Outcome<Done> load_core();
  Outcome<FileContents> read_file(std::string_view path, uint64_t limit);

  const uint64_t start_ = read_tsc();
  const Efi& efi_;
  Console console_;
  Volume volume_;
  FileContents config_text_;
  Config config_;
  Cargo cargo_;
};

Outcome<Done> Loader::read_config() {
  Outcome<Volume> volume = Volume::of_this_image(efi_);
  if (!volume.ok()) {
    return volume.why();
  }
  volume_ = volume.take();
  Outcome<FileContents> text = volume_.read(efi_, kConfigName, kMaxConfigBytes);
  if (!text.ok()) {
    return text.why();
  }
  config_text_ = text.take();
  const Outcome<Config> config = parse_config(kConfigName, config_text_.text());
  if (!config.ok()) {
    return config.why();
  }
  config_ = config.value();
  cargo_.core_options = config_.core_options.view();
  cargo_.dom0_command = config_.kernel_args;
  return Done{};
}

Outcome<FileContents> Loader::read_file(std::string_view path, uint64_t limit) {
  const uint64_t start = read_tsc();
  Outcome<FileContents> file = volume_.read(efi_, path, limit);
  if (file.ok()) {
    Message message;
    message << "read " << path << ", " << (file.value().size >> 10) << " KiB";
    console_.stage(message.view(), start);
  }
  return file;
}

Outcome<Done> Loader::load_kernel() {
  const Outcome<FileContents> file = read_file(config_.kernel, kMaxKernelFile);
  if (!file.ok()) {
    return file.why();
  }
  return unpack_kernel(file.value());
}

Outcome<Done> Loader::unpack_kernel(const FileContents& file) {
  const uint64_t start = read_tsc();
  const Outcome<Payload> payload = find_payload(config_.kernel, file.bytes());
  if (!payload.ok()) {
    return payload.why();
  }
  Outcome<Pages> kernel = unpack(efi_, config_.kernel, payload.value());
  if (!kernel.ok()) {
    return kernel.why();
  }
  cargo_.kernel = kernel.take();
  cargo_.kernel_bytes = payload.value().unpacked_size;
  const Outcome<ElfImage> image = read_elf(config_.kernel, {cargo_.kernel.data(), cargo_.kernel_bytes});
  if (!image.ok()) {
    return image.why();
  }
  Message message;
  message << "unpacked " << name_of(payload.value().compression) << ", " << (cargo_.kernel_bytes >> 10) << " KiB";
  console_.stage(message.view(), start);
  return Done{};
}

Outcome<Done> Loader::load_ramdisk() {
  if (config_.ramdisk.empty()) {
    return Done{};
  }
  Outcome<FileContents> file = read_file(config_.ramdisk, kMaxRamdisk);
  if (!file.ok()) {
    return file.why();
  }
  FileContents contents = file.take();
  cargo_.ramdisk_bytes = contents.size;
  cargo_.ramdisk = std::move(contents.pages);
  return Done{};
}

Outcome<Done> Loader::load_core() {
  const Bytes file(hospes_core_elf_start, hospes_core_elf_end);
  const Outcome<ElfImage> image = read_elf("core", file);
  if (!image.ok()) {
    return image.why();
  }
  const Outcome<uint64_t> bytes = core_bytes(image.value());
  if (!bytes.ok()) {
    return bytes.why();
  }
  Outcome<Pages> place = Pages::allocate(efi_, "the core", bytes.value(), kLargePageBytes);
  if (!place.ok()) {
    return place.why();
  }
  cargo_.core = place.take();
  cargo_.core_entry = image.value().entry;
  cargo_.core_layout = image.value();
  place_core(image.value(), file, cargo_.core.data());
  return Done{};
}

}  // namespace
}  // namespace hospes::loader

/// The firmware calls this by way of GNU-EFI's start-up code.
extern "C" EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE* system) {
  using namespace hospes::loader;
  const Efi efi{image, system, system->BootServices};
  efi.boot->SetWatchdogTimer(0, 0, 0, nullptr);  // a person may read a message longer than its five minutes
  Loader loader(efi);
  const Problem why = loader.run();
  loader.console().stop(why);
  return EFI_LOAD_ERROR;
}
