# SPDX-License-Identifier: Apache-2.0
"""Looks into a running machine from outside: QEMU's monitor, and its debugger stub."""
import socket
import time
from pathlib import Path
from types import TracebackType

from .qemu import MachineError

_LIMIT = 60.0


class _Channel:
    """A byte stream to QEMU over a socket that it listens on."""

    def __init__(self, path: Path) -> None:
        end = time.monotonic() + _LIMIT
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(_LIMIT)
        while True:
            try:
                self._socket.connect(str(path))
                break
            except (FileNotFoundError, ConnectionRefusedError):
                if time.monotonic() > end:
                    raise
                time.sleep(0.1)
        self._left = b""

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def read_until(self, mark: bytes) -> bytes:
        """What comes before mark; mark itself is taken too."""
        while mark not in self._left:
            more = self._socket.recv(65536)
            if not more:
                raise MachineError("inspect", "QEMU ended", self._left.decode("utf-8", "replace"))
            self._left += more
        before, _, self._left = self._left.partition(mark)
        return before

    def read(self, count: int) -> bytes:
        while len(self._left) < count:
            self._left += self._socket.recv(65536)
        taken, self._left = self._left[:count], self._left[count:]
        return taken

    def close(self) -> None:
        self._socket.close()


class _Listener:
    """A side door of the machine: its words on QEMU's command line, and the connection while the block lasts."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.unlink(missing_ok=True)

    def __enter__(self):  # type: ignore[no-untyped-def]
        self._channel = _Channel(self.path)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._channel.close()
        self.path.unlink(missing_ok=True)


class Monitor(_Listener):
    """QEMU's monitor."""
    _PROMPT = b"(qemu) "

    def words(self) -> list[str]:
        return ["-chardev", f"socket,id=inspect,path={self.path},server=on,wait=off", "-mon", "chardev=inspect,mode=readline"]

    def __enter__(self) -> "Monitor":
        super().__enter__()
        self._channel.read_until(self._PROMPT)
        return self

    def ask(self, command: str) -> str:
        self._channel.send(command.encode() + b"\n")
        answer = self._channel.read_until(b"\r\n" + self._PROMPT if command.startswith("info") else self._PROMPT)
        return answer.decode("utf-8", "replace").replace("\r", "").partition("\n")[2]


class Debugger(_Listener):
    """GDB's remote protocol: as much as it takes to stop somewhere, change a register, and go on."""
    RSP = 7

    def words(self) -> list[str]:
        return ["-chardev", f"socket,id=gdb,path={self.path},server=on,wait=off", "-gdb", "chardev:gdb"]

    def __enter__(self) -> "Debugger":
        super().__enter__()
        self._receive()  # the machine stops for us
        self._ask("qXfer:features:read:target.xml:0,fff")  # without this QEMU lets no single register be set
        return self

    def _ask(self, packet: str) -> str:
        """Sends one packet; the answer, or for c what stopped the processor."""
        self._channel.send(f"${packet}#{sum(packet.encode()) % 256:02x}".encode())
        return self._receive()

    def _receive(self) -> str:
        self._channel.read_until(b"$")
        answer = self._channel.read_until(b"#").decode()
        self._channel.read(2)
        self._channel.send(b"+")
        return answer

    def run_to(self, address: int) -> None:
        self._require(self._ask(f"Z1,{address:x},1"))
        self._ask("c")
        self._require(self._ask(f"z1,{address:x},1"))

    def set_register(self, number: int, value: int) -> None:
        self._require(self._ask(f"P{number:x}={value.to_bytes(8, 'little').hex()}"))

    def leave(self) -> None:
        """The machine runs on without us."""
        self._ask("D")

    @staticmethod
    def _require(answer: str) -> None:
        if answer != "OK":
            raise MachineError("debugger", f"QEMU answers {answer!r}", "")
