# SPDX-License-Identifier: Apache-2.0
"""A kernel that is packed again is the same kernel, and one that need not be stays as it is."""
import lzma
import struct
import subprocess
import sys

from imaging.repack import repacked
from machine.checks import Checks, require

KERNEL = b"\x7fELF" + bytes(range(256)) * 999
HEADER = 0x400 + 0x18  # one setup sector behind the boot sector, then what comes before the payload


def bzimage(payload: bytes) -> bytes:
    """A file with the fields of the real-mode header that say where the payload is; code stands behind it too."""
    header = bytearray(b"\xcc" * HEADER)
    header[0x1F1] = 1
    struct.pack_into("<II", header, 0x248, HEADER - 0x400, len(payload))
    return bytes(header) + payload + b"\xcc" * 100


def same_kernel() -> None:
    packed = lzma.compress(KERNEL, filters=[{"id": lzma.FILTER_X86}, {"id": lzma.FILTER_LZMA2}]) + struct.pack("<I", len(KERNEL))
    image = repacked(bzimage(packed))
    offset, length = struct.unpack_from("<II", image, 0x248)
    require(offset == HEADER - 0x400 and image[0x1F1] == 1, "the payload has moved")
    payload = image[HEADER:HEADER + length]
    require(HEADER + length == len(image), f"the file has {len(image)} bytes, its header says {HEADER + length}")
    require(payload.endswith(struct.pack("<I", len(KERNEL))), "the unpacked size does not end the payload")
    unpacked = subprocess.run(["lz4", "-dc"], input=payload[:-4], stdout=subprocess.PIPE, check=True).stdout
    require(unpacked == KERNEL, f"it unpacks to {len(unpacked)} other bytes")


def others_stay() -> None:
    for magic in (b"\x28\xb5\x2f\xfd", b"\x02\x21\x4c\x18", b"\x1f\x8b\x08\x00", b"\x7fELF"):
        image = bzimage(magic + b"the rest")
        require(repacked(image) == image, f"a payload that starts with {magic!r} was changed")


def main() -> int:
    checks = Checks()
    with checks.check("a kernel packed with LZ4 instead of XZ is the same kernel"):
        same_kernel()
    with checks.check("a kernel that is not packed with XZ stays as it is"):
        others_stay()
    return checks.status()


if __name__ == "__main__":
    sys.exit(main())
