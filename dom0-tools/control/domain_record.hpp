// SPDX-License-Identifier: Apache-2.0
// What hospesd has to know of a domain after it was killed: kept in xenstore below /hospes, where guests cannot read.
//   /hospes/domains/<domid>/{name,uuid,file,started,xml/0,xml/1...}   a domain that was created
//   /hospes/restarting/<uuid>/{the same}                              one that is ended, to be created anew
//   /hospes/creating/<uuid>                                           a create that is under way, and the domain's name
#pragma once

#include "dom0-tools/control/domain_config.hpp"
#include "xenstore/client/client.hpp"

#include <chrono>

namespace hospes::control {

struct DomainRecord {
    std::string name;
    Uuid uuid;
    std::string file;  ///< where its description came from, for messages
    std::string xml;
};

/// Connects to xenstored's socket, and nowhere else: the kernel's device would wait for a xenstored that is not there.
Result<xenstore::Client> open_store();

std::string domain_path(DomId domain);  ///< /local/domain/<domid>
std::string record_path(DomId domain);  ///< /hospes/domains/<domid>
std::string creating_path(Uuid const& uuid);
std::string restarting_path(Uuid const& uuid);
inline constexpr char kRecords[] = "/hospes/domains";
inline constexpr char kCreating[] = "/hospes/creating";
inline constexpr char kRestarting[] = "/hospes/restarting";

/// `path`: one of those above.
Status write_record(xenstore::StoreView const& store, std::string const& path, DomainRecord const& record);
/// How long ago the record was written, by the machine's clock since boot.
Result<std::chrono::seconds> age_of(xenstore::StoreView const& store, DomId domain);
/// Nothing where there is no record.
Result<std::optional<DomainRecord>> read_record(xenstore::StoreView const& store, std::string const& path);
/// Nothing for a domain that hospes did not create.
Result<std::optional<DomainRecord>> read_record(xenstore::StoreView const& store, DomId domain);
/// The domains that have a record; those may have ended meanwhile.
Result<std::vector<DomId>> recorded_domains(xenstore::StoreView const& store);

/// The uuid of a domain with this name that is ended to be created anew, and perhaps has no number at the moment.
Result<std::optional<Uuid>> find_restarting(xenstore::StoreView const& store, std::string const& name);

/// The children of a node, none if it does not exist.
Result<std::vector<std::string>> children_of(xenstore::StoreView const& store, std::string const& path);
/// A domain number as the store writes it; nothing for any other text.
std::optional<DomId> parse_domid(std::string const& text);

}  // namespace hospes::control
