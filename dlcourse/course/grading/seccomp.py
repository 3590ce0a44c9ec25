"""The system calls that a sandbox refuses: doors to more memory, more rights, and other processes.

Memory of `memfd_create` and System V belongs to no process's limits; `clone3` hides its flags from a
filter, so it is "not implemented" and the C library falls back to `clone`, whose flags are looked at.
"""

import errno
import platform
import struct

# Per machine: its number for the kernel, and the calls' numbers.
TABLES = {
    "x86_64": (
        0xC000003E,
        {"clone": 56, "clone3": 435},
        # memfd_create memfd_secret shmget msgget ptrace process_vm_readv process_vm_writev unshare setns
        (319, 447, 29, 68, 101, 310, 311, 272, 308)
        # mount umount2 pivot_root keyctl add_key request_key bpf perf_event_open userfaultfd io_uring
        + (165, 166, 155, 250, 248, 249, 321, 298, 323, 425, 426, 427),
    ),
    "aarch64": (
        0xC00000B7,
        {"clone": 220, "clone3": 435},
        (279, 447, 194, 186, 117, 270, 271, 97, 268)
        + (40, 39, 41, 219, 217, 218, 280, 241, 282, 425, 426, 427),
    ),
}
NEW_USER_NAMESPACE = 0x10000000
X32 = 0x40000000  # a second numbering of the same calls on x86-64
LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
ALLOW, KILL, ERROR = 0x7FFF0000, 0x80000000, 0x00050000


def program(machine=None):
    """The filter as bytes for `bwrap --seccomp`; None on a machine whose numbers are not known here."""
    machine = machine or platform.machine()
    if machine not in TABLES:
        return None
    kernel_name, special, refused = TABLES[machine]
    refuse = [(RETURN, 0, 0, ERROR | errno.EPERM)]
    steps = [(LOAD, 0, 0, 4), (EQUAL, 1, 0, kernel_name), (RETURN, 0, 0, KILL), (LOAD, 0, 0, 0)]
    steps += [(AT_LEAST, 0, 1, X32), *refuse]
    steps += [(EQUAL, 0, 1, special["clone3"]), (RETURN, 0, 0, ERROR | errno.ENOSYS)]
    for number in refused:
        steps += [(EQUAL, 0, 1, number), *refuse]
    steps += [(EQUAL, 0, 3, special["clone"]), (LOAD, 0, 0, 16), (ANY_BIT, 0, 1, NEW_USER_NAMESPACE), *refuse]
    steps += [(RETURN, 0, 0, ALLOW)]
    return b"".join(struct.pack("=HBBI", *step) for step in steps)
