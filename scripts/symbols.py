#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""From `nm --demangle` of the core (standard input) to the assembler source of its symbol table (standard output).

The layout is that of hypervisor/machine/symbols.cpp: a count, then address and name offset of each function in order, then the names."""
import re
import sys

_LINE = re.compile(r"^([0-9a-f]+) [tTwW] (.+)$")


def functions(lines: list[str]) -> list[tuple[int, str]]:
    found: dict[int, str] = {}
    for line in lines:
        match = _LINE.match(line)
        if match:
            name = match.group(2).replace("hospes::", "").replace("(anonymous namespace)::", "")
            found.setdefault(int(match.group(1), 16), name.split("(")[0])
    return sorted(found.items())


def main() -> None:
    symbols = functions(sys.stdin.read().splitlines())
    print("// Made by scripts/symbols.py.")
    print('    .section .rodata.symbols, "a", @progbits')
    print("    .balign 8")
    print("    .globl core_symbol_count, core_symbols, core_symbol_names")
    print(f"core_symbol_count: .quad {len(symbols)}")
    print("core_symbols:")
    offset = 0
    for address, name in symbols:
        print(f"    .quad {address:#x}, {offset}")
        offset += len(name) + 1
    print("core_symbol_names:")
    for _, name in symbols:
        print(f'    .asciz "{name}"')
    print("    .byte 0")
    print('    .section .note.GNU-stack, "", @progbits')


if __name__ == "__main__":
    main()
