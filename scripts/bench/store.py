# SPDX-License-Identifier: Apache-2.0
"""Group "xenstore": requests a second of one client in dom0 over the socket; the client is the same on both."""
from .control import dom0_of
from .processor_time import usage_of
from .rows import OURS, RATES, XEN, Row, at_least
from .session import Session

GROUP = "xenstore"
_NAMES = {"reads": "reads", "writes": "writes", "directories": "directory of 32 nodes", "transactions": "transactions (read and write)"}


def _rates(session: Session, system: str, seconds: int, words: str = "") -> dict[str, float]:
    with dom0_of(session, system, [], words=words) as dom0:
        with usage_of(dom0.machine.child.pid) as usage:
            found = dom0.measure(f"store_load {seconds}", "xenstore's requests")
        return found | {f"{key}/processor": rate / usage.share for key, rate in found.items()}


def run(session: Session) -> list[Row]:
    seconds = session.repetitions(5, 3)
    against_ocaml: dict[str, list[dict[str, float]]] = {OURS: [], XEN: []}
    in_c: list[dict[str, float]] = []
    for system in session.alternate(3, 1):
        against_ocaml[system].append(session.once_more(lambda: _rates(session, system, seconds)))
        if system == XEN:
            in_c.append(session.once_more(lambda: _rates(session, system, seconds, "bench.store=c")))
    rows = []
    for server, runs in (("oxenstored, Debian's default", against_ocaml[XEN]), ("xenstored in C", in_c)):
        for suffix, said, note in RATES:
            for key, text in _NAMES.items():
                samples = {OURS: [one[key + suffix] for one in against_ocaml[OURS]], XEN: [one[key + suffix] for one in runs]}
                rows.append(Row(GROUP, f"{text} against {server}{said}", "1/s", samples, at_least(2), more_is_better=True, note=note))
    return rows
