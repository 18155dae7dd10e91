"""Columns in an order that fills the rows with padding."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ...records import Severity
from ..registry import Category, Hit, rule
from ..shapes import ColumnForm
from ..step import Step
from ..words import shown

# Built-in types of a fixed size: (bytes, alignment). Source: pg_type.typlen, pg_type.typalign.
FIXED = {
    **dict.fromkeys("int8 float8 money pg_lsn time timestamp timestamptz xid8".split(), (8, 8)),
    **dict.fromkeys("cid date float4 int4 oid xid".split(), (4, 4)),
    **dict.fromkeys(
        "regclass regcollation regconfig regdictionary regnamespace regoper regoperator regproc regprocedure regrole"
        " regtype".split(),
        (4, 4),
    ),
    **dict.fromkeys("interval point aclitem".split(), (16, 8)),
    **dict.fromkeys("circle line".split(), (24, 8)),
    **dict.fromkeys("box lseg".split(), (32, 8)),
    "timetz": (12, 8),
    "macaddr": (6, 4),
    "macaddr8": (8, 4),
    "int2": (2, 2),
    "tid": (6, 2),
    "bool": (1, 1),
    "char": (1, 1),
    "uuid": (16, 1),
    "name": (64, 1),
}
# Built-in types of any size. One of them may end anywhere, so what follows it may happen to be aligned.
VARIABLE = frozenset(
    "bit bpchar bytea cidr inet json jsonb jsonpath numeric path polygon refcursor text tsquery tsvector varbit varchar"
    " xml int4range int8range numrange tsrange tstzrange daterange int4multirange int8multirange nummultirange"
    " tsmultirange tstzmultirange datemultirange".split()
)
WORTH = 8  # bytes; rows begin at multiples of 8, so less often saves nothing
ROW = 8


@rule(
    id="padding-columns",
    title="Columns in an order that wastes space",
    severity=Severity.INFO,
    category=Category.POLICY,
    on=("create_stmt",),
    enabled=False,
    why="Each value begins at a multiple of its type's alignment, and what lies between is empty: in every row, on disk, in "
    "memory and in backups. The order cannot be changed later without a new table.",
    fix="First the columns of 8 bytes, then those of 4, 2 and 1, then those of varying length.",
    bad="CREATE TABLE readings (id bigint PRIMARY KEY, valid boolean NOT NULL, taken timestamptz NOT NULL,"
    " kind smallint NOT NULL, value double precision NOT NULL);",
    good="CREATE TABLE readings (id bigint PRIMARY KEY, taken timestamptz NOT NULL, value double precision NOT NULL,"
    " kind smallint NOT NULL, valid boolean NOT NULL);",
    source="Manual, section 66.6 Database Page Layout, Table Row Layout; pg_type.typalign, pg_type.typlen.",
)
def check(step: Step) -> Iterator[Hit]:
    form, node = step.form, step.node
    if form.temporary or form.parent or node.inh_relations or node.HasField("of_typename"):
        return
    if any(e.WhichOneof("node") == "table_like_clause" for e in node.table_elts):
        return
    columns = [c for c in form.columns if c.generated != "virtual"]  # virtual ones are not stored
    if not all(_is_known(c) for c in columns):
        return
    best = sorted(columns, key=_rank)
    exact = all(shape(c) is not None for c in columns)
    if exact:
        saved = _rounded(_length(columns)) - _rounded(_length(best))
    else:
        saved = wasted(map(shape, columns)) - wasted(map(shape, best))
    if saved < WORTH:
        return
    order = ", ".join(shown(c.name) for c in best)
    yield Hit(
        f"In this order of columns a row of {shown(form.name)} holds {'' if exact else 'about '}{saved} bytes of padding that"
        " another order saves. Every row pays for them on disk, in memory and in backups.",
        f"Write the columns in this order: {order}.",
        form.name,
    )


def shape(column: ColumnForm) -> tuple[int, int] | None:
    """(bytes, alignment) of a column's values, None when they are of any size."""
    return None if column.type.dims else FIXED.get(column.type.name)


def _is_known(column: ColumnForm) -> bool:
    return bool(column.type.dims) or column.type.name in FIXED or column.type.name in VARIABLE


def _rank(column: ColumnForm) -> tuple[int, bool]:
    """The place of a column in the best order: wide alignment first, sizes that would break it last among equals."""
    found = shape(column)
    return (-found[1], bool(found[0] % found[1])) if found is not None else (0, False)


def wasted(shapes: Iterable[tuple[int, int] | None]) -> int:
    """The bytes of padding between columns, at least: after a value of any size the luckiest place is assumed."""
    # Place within 8 bytes -> the least padding that leads there.
    places = {0: 0}
    for found in shapes:
        if found is None:
            least = min(places.values())
            places = dict.fromkeys(range(ROW), least)
            continue
        size, alignment = found
        then: dict[int, int] = {}
        for place, padding in places.items():
            gap = -place % alignment
            after = (place + gap + size) % ROW
            then[after] = min(padding + gap, then.get(after, padding + gap))
        places = then
    return min(places.values())


def _length(columns: list[ColumnForm]) -> int:
    shapes = [found for c in columns if (found := shape(c)) is not None]
    return sum(size for size, _ in shapes) + wasted(shapes)


def _rounded(length: int) -> int:
    return -(-length // ROW) * ROW
