// SPDX-License-Identifier: Apache-2.0
#include "console.hpp"

namespace hospes::loader {
namespace {

constexpr std::string_view kPrefix = "hospes.efi: ";
constexpr uint64_t kCalibrationMicroseconds = 2000;
constexpr uint64_t kKeyWait = 30 * uint64_t{10'000'000};  // in 100 ns, SetTimer's unit

// A closed event is the firmware's again on every path.
class TimerEvent {
 public:
  explicit TimerEvent(EFI_BOOT_SERVICES* boot) : boot_(boot) {
    good_ = !failed(boot->CreateEvent(EVT_TIMER, TPL_APPLICATION, nullptr, nullptr, &event_));
  }
  TimerEvent(const TimerEvent&) = delete;
  TimerEvent& operator=(const TimerEvent&) = delete;
  ~TimerEvent() {
    if (good_) {
      boot_->CloseEvent(event_);
    }
  }

  bool start(uint64_t time) { return good_ && !failed(boot_->SetTimer(event_, TimerRelative, time)); }
  [[nodiscard]] EFI_EVENT event() const { return event_; }

 private:
  EFI_BOOT_SERVICES* boot_;
  EFI_EVENT event_ = nullptr;
  bool good_;
};

}  // namespace

Console::Console(const Efi& efi) : efi_(efi) {
  const uint64_t start = read_tsc();
  efi.boot->Stall(kCalibrationMicroseconds);
  ticks_per_second_ = (read_tsc() - start) * (1'000'000 / kCalibrationMicroseconds);
}

void Console::line(std::string_view text) const {
  constexpr size_t kRoom = 128;
  CHAR16 wide[kRoom];
  size_t used = 0;
  const auto flush = [&] {
    wide[used] = 0;
    efi_.system->ConOut->OutputString(efi_.system->ConOut, wide);
    used = 0;
  };
  const auto put = [&](char c) {
    wide[used++] = static_cast<CHAR16>(c);
    if (used == kRoom - 1) {
      flush();
    }
  };
  for (const char c : kPrefix) {
    put(c);
  }
  for (const char c : text) {
    put(c);
  }
  put('\r');
  put('\n');
  flush();
}

void Console::stage(std::string_view text, uint64_t start) const {
  Message message;
  message << text << ", " << Seconds{read_tsc() - start, ticks_per_second_} << " s";
  line(message.view());
}

void Console::stop(const Problem& why) const {
  line(why.text.view());
  line("Hospes was not started. Press a key to return to the firmware (it returns by itself after 30 s).");
  wait_for_key();
}

void Console::wait_for_key() const {
  SIMPLE_INPUT_INTERFACE* const keyboard = efi_.system->ConIn;
  TimerEvent timer(efi_.boot);
  if (!timer.start(kKeyWait)) {
    return;
  }
  EFI_EVENT events[] = {timer.event(), keyboard == nullptr ? nullptr : keyboard->WaitForKey};
  UINTN which = 0;
  if (failed(efi_.boot->WaitForEvent(keyboard == nullptr ? 1 : 2, events, &which)) || which == 0) {
    return;
  }
  EFI_INPUT_KEY key;
  keyboard->ReadKeyStroke(keyboard, &key);
}

}  // namespace hospes::loader
