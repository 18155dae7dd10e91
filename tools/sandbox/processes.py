"""Which process is which, so that what a dead one left behind is told from what a living one uses."""

from __future__ import annotations

import hashlib
import os
import socket
from pathlib import Path


def started(pid: int) -> str:
    """When the process began, as an opaque token that no later process with the same number repeats; "" if none runs.

    Source: proc(5), field 22 of /proc/PID/stat (clock ticks since boot); elsewhere psutil's creation time.
    """
    if Path("/proc/self/stat").exists():
        try:
            fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except OSError:
            return ""
        return "" if fields[0] in "ZX" else _base36(int(fields[19]))
    import psutil

    try:
        return _base36(int(psutil.Process(pid).create_time() * 100))
    except psutil.Error:
        return ""


def place() -> str:
    """Six letters for the machine, boot and process namespace in which a process number means something."""
    parts = [socket.gethostname()]
    try:
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip())
        parts.append(os.readlink("/proc/self/ns/pid"))
    except OSError:
        pass
    return hashlib.sha256("|".join(parts).encode()).hexdigest()[:6]


def command(pid: int) -> str:
    """The command line of a running process, "" when there is none or it may not be read."""
    if Path("/proc/self/stat").exists():
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        except OSError:
            return ""
    import psutil

    try:
        return " ".join(psutil.Process(pid).cmdline())
    except psutil.Error:
        return ""


def owner(pid: int) -> int:
    """The user id that the process runs as, -1 when there is no such process."""
    import psutil

    try:
        return int(psutil.Process(pid).uids().effective)
    except psutil.Error:
        return -1


def servers_in(directory: Path, uid: int) -> tuple[int, ...]:
    """The PostgreSQL processes of a user at work in the directory: a server and its children, even orphaned ones."""
    import psutil

    found = []
    for process in psutil.process_iter():
        try:
            ours = process.name().startswith("postgres") and process.uids().effective == uid
            if ours and process.cwd() == str(directory.resolve()):
                found.append(process.pid)
        except psutil.Error:
            continue
    return tuple(found)


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, rest = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[rest] + digits
    return digits or "0"
