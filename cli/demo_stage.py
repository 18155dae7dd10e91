"""The demo's stage: a copy of the example shop, and a stand-in production database with rows in it."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path

from ..errors import UsageError
from ..tools.databases.dsn import Dsn
from ..tools.databases.postgres import connect
from ..tools.files import Layout, discover, read_text, write_whole
from ..tools.ledger.apply import ApplyRequest, apply
from ..tools.ledger.approvals import create_local_key, sign
from ..tools.ledger.plan import Policy, build_plan
from ..tools.sandbox import embedded, places

MARK = ".agentdb/demo"
DATABASE = "shop"
VARIABLE = "SHOP_DATABASE_URL"
PERSON = "you@example.com"


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the demo plays: the project's folders, the production database, and how many rows it holds by table."""

    layout: Layout
    dsn: Dsn
    rows: dict[str, int]
    server: str


@contextlib.contextmanager
def stand_in(directory: Path) -> Iterator[Stage]:
    """The stage, set anew; production runs until the end. The target's variable is set for this process.

    Errors: UsageError when `directory` holds something that no demo has made.
    """
    root = directory.absolute()
    clear(root)
    copy_shop(root)
    create_local_key(root / ".agentdb", PERSON)
    home = places.default_home("demo-production")
    with embedded.using(home, {"autovacuum": "on"}) as admin:
        dsn = admin.with_database(DATABASE)
        with connect(admin) as conn:
            conn.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)".encode())
            conn.execute(f"CREATE DATABASE {DATABASE} TEMPLATE template0".encode())
            server = str(conn.execute("SHOW server_version").fetchone()[0])  # type: ignore[index]
        os.environ[VARIABLE] = dsn.reveal()
        layout = Layout(root)
        apply_history(layout, dsn)
        yield Stage(layout, dsn, fill(root, dsn), server)


def stop() -> bool:
    """True when the stand-in production was running and is stopped now."""
    return embedded.stop(places.default_home("demo-production"))


def clear(root: Path) -> None:
    """Remove an earlier demo. Errors: UsageError when it is something else."""
    if not root.exists():
        return
    if not root.is_dir() or (any(root.iterdir()) and not (root / MARK).exists()):
        raise UsageError("this was not made by the demo and is left alone", where=str(root), hint="Use --directory.")
    shutil.rmtree(root)


def copy_shop(root: Path) -> None:
    """Copy the example project, with its state folder."""
    with resources.as_file(resources.files(__package__.rpartition(".")[0] + ".examples") / "shop") as source:
        shutil.copytree(source, root, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__", ".gitkeep"))
    for folder in ("pending", "applied", "rollback", "archived"):
        (root / "migrations" / folder).mkdir(exist_ok=True)
    (root / ".agentdb").mkdir(mode=0o700)
    write_whole(root / ".agentdb/.gitignore", "*\n")
    write_whole(root / MARK, "Made by agentdb demo; may be deleted.\n")


def apply_history(layout: Layout, dsn: Dsn) -> None:
    """Carry out the migrations that production has had all along, through the same gate as any other."""
    now = datetime.now(UTC)
    migrations = tuple(m for m in discover(layout) if m.state == "applied")
    with connect(dsn) as conn:
        plan = build_plan(layout, migrations, conn, environment="prod", policy=Policy())
    approval = sign(
        plan,
        approver=PERSON,
        key=layout.state_dir / "approval_key",
        created=now,
        expires=now + timedelta(minutes=5),
    )
    apply(
        ApplyRequest(
            layout=layout,
            dsn=dsn,
            environment="prod",
            approval=approval,
            allowed_signers=layout.state_dir / "allowed_signers",
            who=PERSON,
        )
    )


def fill(root: Path, dsn: Dsn) -> dict[str, int]:
    """Load the rows; how many each table holds."""
    from ..tools.sql.parse import parse

    with connect(dsn) as conn:
        for parsed in parse(read_text(root / "production_rows.sql")).statements:
            conn.execute(parsed.statement.text.encode())
        tables = ("customers", "products", "orders", "order_items")
        return {t: conn.execute(f"SELECT count(*) FROM {t}".encode()).fetchone()[0] for t in tables}  # type: ignore[index]
