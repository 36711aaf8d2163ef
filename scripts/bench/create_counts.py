# SPDX-License-Identifier: Apache-2.0
"""What one create asks of the hypervisor and of xenstored: counted in dom0, apart from the runs that measure time."""
from .control import Dom0

_TRACING = "/sys/kernel/tracing"
# Every request of a process to the hypervisor goes through this function of dom0's kernel.
_PROBE = "p:bench/privcmd privcmd_ioctl cmd=%si"
_CLIENTS = "hospesd consoled blkbackd netbackd xenconsoled"


def create_counts(dom0: Dom0, name: str, created: str) -> dict[str, float]:
    """Requests to privcmd ("privcmd") and to xenstored ("store") from a create until a shell test `created` holds."""
    dom0.check(f"mount -t tracefs tracefs {_TRACING} 2>/dev/null; echo '{_PROBE}' >{_TRACING}/kprobe_events", "a probe in dom0's kernel")
    dom0.check("{ store_count serve >/dev/null 2>&1 & }", "the counter of xenstore's requests")
    dom0.check(f"sleep 1; killall {_CLIENTS} 2>/dev/null; sleep 3", "the clients of xenstored start again")
    dom0.wait_until_serving()
    before = dom0.measure("store_count")["requests"]
    dom0.check(f"echo >{_TRACING}/trace; echo 1 >{_TRACING}/events/bench/privcmd/enable")
    dom0.create(name)
    dom0.check(f"n=0; until {created} || [ $n -ge 600 ]; do usleep 500000; n=$((n+1)); done; {created}", "the counted domain starts")
    after = dom0.measure("store_count")["requests"]
    dom0.check(f"echo 0 >{_TRACING}/events/bench/privcmd/enable")
    calls = float(dom0.check(f"grep -c privcmd_ioctl {_TRACING}/trace"))
    dom0.destroy(name)
    return {"store": after - before, "privcmd": calls}
