"""Where the embedded server keeps its files.

Nothing in them has to last, and each rehearsal makes and drops databases of three hundred files: in memory that takes
about 10 ms a database, on a disk 50 ms to 300 ms (measured on ext4, which looks twice at every file deleted a moment
ago). So where there is plenty of memory the server lives there.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from . import software

REVISION = 2  # of the server's layout and settings; another revision lives in another home
VARIABLE = "AGENTDB_SANDBOX_DIR"
MEMORY = Path("/dev/shm")
GIB = 1 << 30
ROOM = 4 * GIB  # what the memory's file system has to hold
ENOUGH = 12 * GIB  # what the machine, or the container, has to have


def default_home(name: str = "sandbox", environ: Mapping[str, str] = os.environ) -> Path:
    """Where a server lives when nobody says otherwise: in AGENTDB_SANDBOX_DIR if that is set, else in memory where there
    is plenty, else in the user's cache directory (XDG_CACHE_HOME on Linux).

    For root, the first place that the unprivileged user can reach: that one, the system's cache directory, or
    where that cannot be written, the directory for temporary files.
    """
    import platformdirs

    part = Path(name) / f"{software.packaged_version().split('.')[0]}-r{REVISION}"
    if said := environ.get(VARIABLE, "").strip():
        return Path(said).absolute() / part
    if (memory := in_memory(MEMORY)) is not None:
        return memory / part
    own = Path(platformdirs.user_cache_path("agentdb"))
    if os.geteuid() != 0 or not closed(own):
        return own / part
    system = Path(platformdirs.site_cache_path("agentdb"))
    if os.access(next(p for p in system.parents if p.exists()), os.W_OK):
        return system / part
    return Path(tempfile.gettempdir()) / "agentdb-0" / part


def in_memory(root: Path) -> Path | None:
    """The folder in memory that is this user's, made if need be; None where there is little room or it is not ours.

    Sizes are those of the whole, not what is free at the moment: two processes must come to the same answer.
    Source: proc_meminfo(5), MemTotal; cgroups(7), memory.max.
    """
    if sys.platform != "linux":
        return None
    try:
        size = os.statvfs(root)
        if not _is_tmpfs(root) or size.f_blocks * size.f_frsize < ROOM or _memory() < ENOUGH:
            return None
        mine = root / f"agentdb-{os.geteuid()}"
        mine.mkdir(mode=0o755, exist_ok=True)
        found = mine.lstat()
        # Whoever owns the folder could put another in the place of the server's.
        if mine.is_symlink() or found.st_uid != os.geteuid() or found.st_mode & 0o022:
            return None
        mine.chmod(0o755)  # whatever the umask: for root, another user has to get in
        return mine
    except OSError:
        return None


def closed(path: Path) -> list[Path]:
    """The folders on the way that not everybody may enter; those that do not exist yet will be open."""
    return [f for f in (path, *path.parents) if f.exists() and not f.stat().st_mode & 0o001]


def _is_tmpfs(root: Path) -> bool:
    """Whether a mount of that very name is a file system in memory."""
    mounts = Path("/proc/self/mounts").read_text(encoding="utf-8", errors="replace")
    fields = (line.split() for line in mounts.splitlines())
    return any(f[1:3] == [str(root), "tmpfs"] for f in fields)


def _memory() -> int:
    """Bytes of memory that this process may count on: the machine's, or the container's where that is less."""
    total = 0
    for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
        if line.startswith("MemTotal:"):
            total = int(line.split()[1]) * 1024
    for limit in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            said = Path(limit).read_text(encoding="ascii").strip()
        except OSError:
            continue
        if said.isdecimal():
            total = min(total, int(said))
    return total
