"""An index that another index of the table makes needless."""

from __future__ import annotations

from collections.abc import Iterator

from ...records import Severity
from ...sql.effects import object_name, object_word
from ..catalog import Index
from ..learn import is_bare
from ..registry import Category, Hit, rule
from ..shapes import actions_of, key, relation_key
from ..step import Step
from ..words import shown


@rule(
    id="duplicating-index",
    title="Index that another one does the work of",
    severity=Severity.INFO,
    category=Category.POLICY,
    on=("index_stmt",),
    setup="CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint, day date);"
    " CREATE INDEX orders_customer_day_idx ON orders (customer_id, day);",
    why="A btree index also serves queries on its first columns alone. A second index over them is paid for by every write "
    "and used by no query that the first would not serve.",
    fix="Leave it out; or drop the other one in the same script.",
    bad="CREATE INDEX CONCURRENTLY orders_customer_idx ON orders (customer_id);",
    good="CREATE INDEX CONCURRENTLY orders_day_idx ON orders (day);",
    source="Manual, section 11.3 Multicolumn Indexes; section 11.1 Introduction.",
)
def check(step: Step) -> Iterator[Hit]:
    node = step.node
    if not step.old or not is_bare(node):
        return
    columns = tuple(str(p.index_elem.name) for p in node.index_params)
    unique = bool(node.unique)
    going = _going(step)
    own = str(node.idxname)
    for index in step.catalog.indexes_of(step.relation):
        bare_name = index.name.rpartition(".")[2]
        if bare_name == own or index.name in going or not _serves(index, columns, unique):
            continue
        other = f"; if it is to replace the other, add DROP INDEX CONCURRENTLY {shown(index.name)};"
        yield Hit(
            f"{shown(step.relation)} has the index {shown(bare_name)} over ({', '.join(map(shown, index.columns))}), which"
            f" serves all that {shown(own) if own else 'this one'} is for. Every write pays for both.",
            f"Leave this one out{other if index.columns == columns else '.'}",
            step.relation,
            objects=(step.relation, bare_name),
        )
        return


def _serves(index: Index, columns: tuple[str, ...], unique: bool) -> bool:
    """Whether a known index does what a new one over the columns would do."""
    if not index.bare or not index.valid:
        return False
    if unique:
        return index.unique and index.columns == columns
    return index.columns[: len(columns)] == columns


def _going(step: Step) -> set[str]:
    """The indexes that the script drops later, by themselves or with the constraint that they belong to."""
    found: set[str] = set()
    schema = step.relation.rpartition(".")[0]
    for later in step.after:
        if later.node_name == "drop_stmt" and object_word(later.node, "remove_type") == "INDEX":
            found |= {key(object_name(o)) for o in later.node.objects}
        elif later.node_name == "alter_table_stmt" and relation_key(later.node.relation) == step.relation:
            gone = (a.name for a in actions_of(later.node) if a.kind == "DropConstraint")
            found |= {f"{schema}.{name}" if schema else name for name in gone}
    return found
