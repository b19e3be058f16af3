#!/usr/bin/env python3
"""What the linked programs have of the toolchain's hardening: read from the files themselves.

They are static and not position-independent, for the speed of a start. That gives up a random
address of the program's own code and data (stack, heap, mmap and vdso keep theirs); in exchange
there is no loader, no LD_PRELOAD, no relocation at run time, and no library of a container's.
"""

import pathlib
import struct
import sys
import unittest

PT_LOAD, PT_INTERP, PT_GNU_STACK, PT_GNU_RELRO = 1, 3, 0x6474E551, 0x6474E552
EXECUTE, WRITE = 1, 2
ET_EXEC = 2

CANARY_LOAD = b"\x64\x48\x8b\x04\x25\x28\x00\x00\x00"  # mov %fs:0x28,%rax
CANARY_CHECK = b"\x64\x48\x2b\x04\x25\x28\x00\x00\x00"  # sub %fs:0x28,%rax


class Program:
    def __init__(self, path):
        self.mode = path.stat().st_mode
        self.bytes = path.read_bytes()
        self.type, self.machine = struct.unpack_from("<HH", self.bytes, 16)
        offset, = struct.unpack_from("<Q", self.bytes, 32)
        size, count = struct.unpack_from("<HH", self.bytes, 54)
        self.segments = [struct.unpack_from("<II", self.bytes, offset + i * size)
                         for i in range(count)]

    def kinds(self):
        return [kind for kind, _ in self.segments]


class HardeningTest(unittest.TestCase):
    programs = [pathlib.Path(name) for name in ("cli/tiny", "oci/cli/tiny-oci")]
    stub = pathlib.Path("init/stub")

    def each(self, *paths):
        for path in paths:
            with self.subTest(str(path)):
                yield Program(path)

    def test_no_page_is_both_writable_and_executable(self):
        for program in self.each(*self.programs, self.stub):
            loads = [flags for kind, flags in program.segments if kind == PT_LOAD]
            self.assertTrue(loads)
            self.assertFalse([flags for flags in loads if flags & EXECUTE and flags & WRITE])

    def test_the_stack_is_not_executable(self):
        for program in self.each(*self.programs, self.stub):
            stacks = [flags for kind, flags in program.segments if kind == PT_GNU_STACK]
            self.assertEqual([flags & EXECUTE for flags in stacks], [0])

    def test_what_is_relocated_at_start_becomes_read_only(self):
        for program in self.each(*self.programs):
            self.assertIn(PT_GNU_RELRO, program.kinds())

    def test_static_without_a_loader(self):
        for program in self.each(*self.programs, self.stub):
            self.assertEqual(program.type, ET_EXEC)
            self.assertNotIn(PT_INTERP, program.kinds())

    def test_stack_protector(self):
        for program in self.each(*self.programs):
            self.assertGreater(program.bytes.count(CANARY_LOAD), 100)
            self.assertGreater(program.bytes.count(CANARY_CHECK), 100)

    def test_fortified(self):
        for program in self.each(*self.programs):
            self.assertIn(b"buffer overflow detected", program.bytes)

    def test_no_special_bits(self):
        for program in self.each(*self.programs):
            self.assertEqual(program.mode & 0o7000, 0)

    def test_the_stub_is_small(self):
        self.assertLess(len(self.stub.read_bytes()), 16 << 10)


if __name__ == "__main__":
    sys.argv = sys.argv[:1]
    unittest.main()
