// SPDX-License-Identifier: Apache-2.0
#include "dom0-tools/base/log.hpp"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <vector>

namespace hospes {

void set_up_log(std::string_view program, std::string_view level, std::string const& file) {
    std::vector<spdlog::sink_ptr> sinks{std::make_shared<spdlog::sinks::stderr_sink_st>()};
    std::string refused;
    if (!file.empty()) {
        try {
            sinks.push_back(std::make_shared<spdlog::sinks::basic_file_sink_st>(file));
        } catch (spdlog::spdlog_ex const& problem) {  // the library's constructor knows no other way to say it
            refused = problem.what();
        }
    }
    auto logger = std::make_shared<spdlog::logger>(std::string{program}, sinks.begin(), sinks.end());
    logger->set_pattern("%Y-%m-%d %H:%M:%S.%e %n %l: %v");
    auto const wanted = spdlog::level::from_str(std::string{level});
    logger->set_level(wanted == spdlog::level::off ? spdlog::level::info : wanted);
    logger->flush_on(spdlog::level::info);
    spdlog::set_default_logger(std::move(logger));
    if (!refused.empty()) spdlog::warn("no log file: {}", refused);
}

}  // namespace hospes
