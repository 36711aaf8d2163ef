# SPDX-License-Identifier: Apache-2.0
"""Group "size": the cores' lines of code, the operations they expose, their images."""
import re
import subprocess
import tarfile
from pathlib import Path

from imaging.esp import xen_efi
from imaging.paths import HOSPES_EFI, OUT, ROOT
from size import files_of, lines_in

from .rows import OURS, XEN, Row, ours_at_most
from .session import Session
from .xen_source import xen_source

GROUP = "size"
_HEADERS = Path("/usr/include/xen")
# How the public headers define the numbers of hypercalls and of their sub-operations.
_OPERATION = re.compile(r"^#define[ \t]+(__HYPERVISOR_[a-z]\w*|(?:XEN_DOMCTL|XEN_SYSCTL|XENMEM|XENPF|XENVER|EVTCHNOP|SCHEDOP|GNTTABOP|"
                        r"PHYSDEVOP|VCPUOP|CALLBACKOP)_[a-z]\w*|(?:MMUEXT|VMASST_CMD)_[A-Za-z]\w*|CONSOLEIO_[a-z]\w*)[ \t]+"
                        r"(?:0x)?\d+[ \t]*(?:/\*.*)?$", re.M)
# Of Xen's xen/ those folders that an x86 build compiles; tools, tests and the other architecture are left out.
_XEN_PARTS = re.compile(r"[^/]+/xen/(?:common|drivers|include|lib|crypto|xsm|arch/x86)/.*\.(?:c|h|S|cpp|hpp|lds)$")
_XEN_LEFT_OUT = re.compile(r"/xen/(?:include/(?:asm-arm|public)|drivers/passthrough/arm|drivers/char/[^/]*(?:arm|pl011|imx|exynos|"
                           r"omap|scif|meson|cadence|mvebu)[^/]*|common/(?:libfdt|efi/.*arm)|arch/x86/[^/]*test)")
_SECTIONS = (".text", ".rodata", ".data", ".bss", ".init", ".data.re", "hv_fixups")


def _operations() -> tuple[int, int]:
    """Ours and Xen's: of the numbers that the public headers name, those our tables and switches handle, and all."""
    named = {name for header in _HEADERS.rglob("*.h") for name in _OPERATION.findall(header.read_text(errors="replace"))}
    sources = "\n".join(path.read_text() for path in (ROOT / "hypervisor").rglob("*.cpp"))
    handled = set(re.findall(r"(?:\{|case )(\w+)", sources))
    return len(named & handled), len(named)


def _xen_lines(archive: Path) -> int:
    total = 0
    with tarfile.open(archive) as source:
        for member in source:
            if member.isfile() and _XEN_PARTS.match(member.name) and not _XEN_LEFT_OUT.search(member.name):
                content = source.extractfile(member)
                total += lines_in(content.read().decode(errors="replace"), Path(member.name)) if content else 0
    return total


def _loaded_bytes(image: Path) -> int:
    """What of an image occupies memory, without symbols and padding."""
    listing = subprocess.run(["size", "-A", image], check=True, capture_output=True, text=True).stdout
    sizes = {words[0]: int(words[1]) for words in map(str.split, listing.splitlines()) if len(words) == 3 and words[1].isdigit()}
    return sum(sizes.get(name, 0) for name in _SECTIONS)


def run(session: Session) -> list[Row]:
    session.say("lines, operations, images")
    loader = files_of("hypervisor/loader")
    ours = sum(lines_in(path.read_text(), path) for path in files_of("hypervisor") if path not in loader)
    lines: dict[str, list[float]] = {OURS: [ours]}
    source = "not fetched"
    if archive := xen_source(session):
        lines[XEN], source = [_xen_lines(archive)], archive.name
    handled, named = _operations()
    xen, core = xen_efi(), OUT / "hypervisor/core.elf"
    return [
        Row(GROUP, "lines of code of the core", "lines", lines, ours_at_most(15_000), note="Lines of code are counted by the same "
            "script on both sides, without blanks and comments; Xen's are those of xen/ that can be compiled for x86 "
            f"({source}; no tools, no tests, no other architecture, not the public headers)."),
        Row(GROUP, "hypercalls and sub-operations exposed", "count", {OURS: [handled], XEN: [named]}, note="Operations: those that "
            "Xen 4.17's public headers number; ours are the ones among them that the core's tables and switches name."),
        Row(GROUP, "image's file", "bytes", {OURS: [HOSPES_EFI.stat().st_size], XEN: [xen.stat().st_size]},
            note="Image files: what the firmware loads; neither holds debug information. Ours contains its loader."),
        Row(GROUP, "code and data in the image, when loaded", "bytes", {OURS: [_loaded_bytes(core)], XEN: [_loaded_bytes(xen)]}),
    ]
