"""Makes system calls in another process, as the code of an attacker who controls it could.

    with Injected(pid) as worker:
        worker.call('execve', b'/bin/true', 0, 0)     # returns what the call does, or -errno

It uses ptrace(2) as root, on x86-64: strings are written to the stack of the stopped process, and a
`syscall` instruction of its own is run.
"""
import ctypes
import os
import platform
import signal
import struct

NUMBERS = {
    "read": 0, "open": 2, "mmap": 9, "mprotect": 10, "socket": 41, "connect": 42, "bind": 49,
    "listen": 50, "fork": 57, "execve": 59, "kill": 62, "ptrace": 101, "personality": 135,
    "chroot": 161, "mount": 165, "mknod": 133, "symlink": 88, "tgkill": 234, "keyctl": 250,
    "openat": 257, "unshare": 272, "perf_event_open": 298, "setns": 308, "process_vm_readv": 310,
    "seccomp": 317, "bpf": 321, "userfaultfd": 323, "io_uring_setup": 425, "pidfd_open": 434,
    "clone3": 435, "prctl": 157, "setuid": 105, "clone": 56, "memfd_create": 319, "close": 3,
    "io_uring_enter": 426, "add_key": 248, "unlink": 87, "kcmp": 312, "init_module": 175,
    "getrandom": 318,
}
PTRACE_ATTACH, PTRACE_DETACH, PTRACE_SINGLESTEP = 16, 17, 9
PTRACE_GETREGS, PTRACE_SETREGS, PTRACE_CONT = 12, 13, 7
# struct user_regs_struct
NAMES = ("r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs eflags rsp ss "
         "fs_base gs_base ds es fs gs").split()


def missing():
    """Returns why this is impossible here, or None."""
    if os.geteuid() != 0 or platform.system() != "Linux" or platform.machine() != "x86_64":
        return "only root of Linux on x86-64 can make another process's system calls"
    return None


class Injected:
    """A process that the test has stopped, until the `with` ends."""

    def __init__(self, pid):
        self.pid = pid
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p,
                                     ctypes.c_void_p]
        self.libc.ptrace.restype = ctypes.c_long

    def _ptrace(self, request, address=None, data=None):
        if self.libc.ptrace(request, self.pid, address, data) != 0:
            raise OSError(ctypes.get_errno(), f"ptrace {request}")

    def __enter__(self):
        self._ptrace(PTRACE_ATTACH)
        os.waitpid(self.pid, 0)
        self.memory = open(f"/proc/{self.pid}/mem", "r+b", buffering=0)
        self.before = self._registers()
        self.instruction = self._find_instruction()
        return self

    def __exit__(self, *exception):
        self._set(self.before)
        self.memory.close()
        self._ptrace(PTRACE_DETACH)

    def _registers(self):
        octets = ctypes.create_string_buffer(8 * len(NAMES))
        self._ptrace(PTRACE_GETREGS, None, ctypes.cast(octets, ctypes.c_void_p))
        return dict(zip(NAMES, struct.unpack(f"{len(NAMES)}Q", octets.raw)))

    def _set(self, registers):
        octets = struct.pack(f"{len(NAMES)}Q", *(registers[name] for name in NAMES))
        self._ptrace(PTRACE_SETREGS, None,
                     ctypes.cast(ctypes.create_string_buffer(octets), ctypes.c_void_p))

    def _find_instruction(self):
        """Returns the address of `syscall` in its C library."""
        with open(f"/proc/{self.pid}/maps", encoding="utf-8") as maps:
            for line in maps:
                if "libc" in line and "r-xp" in line:
                    begin, end = (int(part, 16) for part in line.split()[0].split("-"))
                    self.memory.seek(begin)
                    at = self.memory.read(end - begin).find(b"\x0f\x05")
                    if at >= 0:
                        return begin + at
        raise RuntimeError("it has no syscall instruction")

    def call(self, name, *arguments):
        """Makes the call. Octets are written to its stack, and their address is the argument."""
        stack = self.before["rsp"] - 0x1000 & ~0xf
        values = []
        for argument in arguments:
            if isinstance(argument, bytes):
                self.memory.seek(stack)
                self.memory.write(argument + b"\0" * 16)
                values.append(stack)
                stack -= len(argument) + 32 & ~0xf
            else:
                values.append(argument & (1 << 64) - 1)
        values += [0] * (6 - len(values))
        registers = dict(self.before, rax=NUMBERS[name], rip=self.instruction, rsp=stack - 0x1000,
                         orig_rax=(1 << 64) - 1,
                         **dict(zip(("rdi", "rsi", "rdx", "r10", "r8", "r9"), values)))
        self._set(registers)
        while True:  # until the process stops because of the call and not because of a signal
            self._ptrace(PTRACE_SINGLESTEP)
            _, status = os.waitpid(self.pid, 0)
            if not os.WIFSTOPPED(status):
                raise RuntimeError(f"the process ended in {name}")
            if os.WSTOPSIG(status) == signal.SIGTRAP:
                break
        result = self._registers()["rax"]
        return result - (1 << 64) if result >> 63 else result
