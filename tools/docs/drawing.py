"""The diagram as SVG, with nothing but itself: no script, no font, no address of another file."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import resources

from ..schema.model import ObjectId
from .erd import Diagram, Entity, Field, Link
from .groups import Group, components, groups
from .layout import Box, Line, Placed, layered, packed
from .text import html, visible

CHAR = 7.3  # the width of a character of 12 px monospace, with a little air
HEAD, ROW, PAD = 30.0, 21.0, 11.0
MARKS = 27.0  # width of one PK/FK/UK mark
MARGIN = 30.0
MOST_ROWS = 24
MOST_NAME, MOST_TYPE = 34, 24
Picture = tuple[str, float, float]
ONE_PICTURE = 150  # more tables are drawn by groups, each in its own corner


def svg(drawn: Diagram, shapes: Picture | None = None) -> str:
    """The diagram as a whole SVG file. shapes: its picture, where that is made already."""
    body, width, height = shapes or picture(drawn)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="erd" viewBox="0 0 {_n(width)} {_n(height)}"'
        f' width="{_n(width)}" height="{_n(height)}" role="img" aria-label="Entity relationship diagram">\n'
        f"<style>\n{asset('erd.css')}</style>\n"
        f'<rect class="page" width="100%" height="100%"/>\n{body}</svg>\n'
    )


@cache
def asset(name: str) -> str:
    """The text of a file in assets/."""
    return (resources.files(__package__) / "assets" / name).read_text(encoding="utf-8")


def picture(drawn: Diagram) -> Picture:
    """The shapes of a diagram, and its width and height in pixels."""
    if len(drawn.entities) <= ONE_PICTURE:
        parts = [("", placed) for placed in _components(drawn)]
    else:
        parts = [(group.name, _side_by_side(_only(drawn, group))) for group in groups(drawn)]
        parts.sort(key=lambda p: -p[1].height)
    sizes = [(p.width, p.height + (34.0 if title else 0.0)) for title, p in parts]
    total = sum((w + 60) * (h + 60) for w, h in sizes)
    widest = max((w for w, _ in sizes), default=300.0)
    corners = packed(sizes, max(widest, (total * 1.7) ** 0.5), 60.0)
    shapes: list[str] = []
    entities, by_id = {e.key: e for e in drawn.entities}, entities_of(drawn)
    links = {f"{k.child}\0{k.name}": k for k in drawn.links}
    width = height = 0.0
    for (title, placed), (x, y), (w, h) in zip(parts, corners, sizes, strict=True):
        left, top = x + MARGIN, y + MARGIN
        if title:
            shapes.append(f'<text class="group" x="{_n(left)}" y="{_n(top + 14)}">{html(title)}</text>')
            top += 34.0
        for key, points in placed.lines.items():
            moved = [(px + left, py + top) for px, py in points]
            shapes.append(_link(links[key], by_id, moved, key in placed.loops))
        for key, (bx, by) in placed.boxes.items():
            shapes.append(_table(entities[key], bx + left, by + top))
        width, height = max(width, x + w + 2 * MARGIN), max(height, y + h + 2 * MARGIN)
    if not parts:
        return f'<text class="group" x="{MARGIN}" y="44">There are no tables.</text>\n', 260.0, 80.0
    return "\n".join(shapes) + "\n", width, height


def entities_of(drawn: Diagram) -> dict[ObjectId, Entity]:
    return {e.id: e for e in drawn.entities}


def _only(drawn: Diagram, group: Group) -> Diagram:
    """The tables of a group with the links among them; links out of it are left to the list of groups."""
    chosen = set(group.tables)
    return Diagram(
        tuple(e for e in drawn.entities if e.id in chosen),
        tuple(k for k in drawn.links if k.child in chosen and k.parent in chosen),
    )


def _side_by_side(drawn: Diagram) -> Placed:
    """Everything of a diagram in one picture: its connected parts packed in rows."""
    parts = _components(drawn)
    total = sum((p.width + 50) * (p.height + 50) for p in parts)
    corners = packed([(p.width, p.height) for p in parts], max(max(p.width for p in parts), (total * 1.5) ** 0.5), 50.0)
    whole = Placed()
    for part, (x, y) in zip(parts, corners, strict=True):
        whole.boxes |= {k: (bx + x, by + y) for k, (bx, by) in part.boxes.items()}
        whole.lines |= {k: [(px + x, py + y) for px, py in points] for k, points in part.lines.items()}
        whole.loops |= part.loops
        whole.width, whole.height = max(whole.width, x + part.width), max(whole.height, y + part.height)
    return whole


def _components(drawn: Diagram) -> list[Placed]:
    """The connected parts of a diagram, laid out, the largest first; tables without links follow by height."""
    near: dict[ObjectId, list[ObjectId]] = {}
    for link in drawn.links:
        near.setdefault(link.child, []).append(link.parent)
        near.setdefault(link.parent, []).append(link.child)
    entities = entities_of(drawn)
    found = []
    for members in components([e.id for e in drawn.entities], near):
        inside = set(members)
        chosen = [entities[i] for i in sorted(inside)]
        links = [k for k in drawn.links if k.child in inside]
        boxes = [Box(e.key, *_size(e)) for e in chosen]
        lines = [
            Line(
                f"{k.child}\0{k.name}",
                entities[k.child].key,
                entities[k.parent].key,
                _port(entities[k.child], k.columns),
                _port(entities[k.parent], k.parent_columns),
            )
            for k in links
        ]
        found.append((-len(members), layered(boxes, lines)))
    found.sort(key=lambda f: (f[0], -f[1].height))
    return [placed for _, placed in found]


def _rows(entity: Entity) -> tuple[Field, ...]:
    return entity.fields if len(entity.fields) <= MOST_ROWS else entity.fields[: MOST_ROWS - 1]


def _columns_wide(text: str) -> int:
    """How many characters of a monospace font a text fills."""
    if text.isascii():
        return len(text)
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 0 if unicodedata.combining(c) else 1 for c in text)


def _cut(text: str, most: int) -> str:
    text = visible(text)
    while _columns_wide(text) > most:
        text = text[:-2] + "\u2026" if text.endswith("\u2026") else text[:-1] + "\u2026"
    return text


def _size(entity: Entity) -> tuple[float, float]:
    rows = _rows(entity)
    names = max((_columns_wide(_cut(f.name, MOST_NAME)) for f in rows), default=0)
    types = max((_columns_wide(_cut(f.type, MOST_TYPE)) for f in rows), default=0)
    wide = PAD * 2 + _gutter(entity) + (names + types) * CHAR + 22
    title = PAD * 2 + _columns_wide(_cut(entity.title, MOST_NAME + 12)) * CHAR * 1.12
    count = len(rows) + (len(rows) < len(entity.fields))
    return max(wide, title, 130.0), HEAD + ROW * max(count, 0) + 6


def _gutter(entity: Entity) -> float:
    return MARKS * max((len(f.marks) for f in _rows(entity)), default=0) + (4 if entity.fields else 0)


def _port(entity: Entity, columns: Sequence[str]) -> float:
    """How far below the top of its box a line of these columns ends."""
    rows = _rows(entity)
    place = next((i for i, f in enumerate(rows) if f.name in columns), None)
    if place is None:
        return HEAD + ROW * len(rows) + ROW / 2 if len(rows) < len(entity.fields) else HEAD / 2
    return HEAD + ROW * place + ROW / 2


def _table(entity: Entity, x: float, y: float) -> str:
    width, height = _size(entity)
    parts = [
        f'<g class="table" id="{entity.key}" data-name="{html(entity.title)}" transform="translate({_n(x)} {_n(y)})">',
        f"<title>{html(entity.title + (': ' + entity.comment if entity.comment else ''))}</title>",
        f'<rect class="body" width="{_n(width)}" height="{_n(height)}" rx="6"/>',
        f'<path class="head" d="M0 {_n(HEAD)}V6a6 6 0 0 1 6 -6H{_n(width - 6)}a6 6 0 0 1 6 6V{_n(HEAD)}z"/>',
        f'<text class="title" x="{_n(PAD)}" y="{_n(HEAD - 10)}">{html(_cut(entity.title, MOST_NAME + 12))}</text>',
        *_fields(entity, width),
        "</g>",
    ]
    return "\n".join(parts)


def _fields(entity: Entity, width: float) -> Iterator[str]:
    rows = _rows(entity)
    gutter = _gutter(entity)
    for index, found in enumerate(rows):
        top = HEAD + ROW * index + 1
        if index % 2:
            yield f'<rect class="stripe" x="1" y="{_n(top)}" width="{_n(width - 2)}" height="{_n(ROW)}"/>'
        base = top + 14.5
        for place, mark in enumerate(found.marks):
            left = PAD + place * MARKS
            yield (
                f'<rect class="{mark}-bg" x="{_n(left)}" y="{_n(top + 3.5)}" width="22" height="14" rx="3"/>'
                f'<text class="mark {mark}" x="{_n(left + 11)}" y="{_n(top + 13.8)}">{mark}</text>'
            )
        told = f"{found.name} {found.type}{'' if found.required else ', may be null'}"
        told += f": {found.comment}" if found.comment else ""
        yield (
            f'<text class="{"name" if found.required else "free"}" x="{_n(PAD + gutter)}" y="{_n(base)}">'
            f"<title>{html(told)}</title>{html(_cut(found.name, MOST_NAME))}</text>"
            f'<text class="type" x="{_n(width - PAD)}" y="{_n(base)}">{html(_cut(found.type, MOST_TYPE))}</text>'
        )
    left = len(entity.fields) - len(rows)
    if left:
        base = HEAD + ROW * len(rows) + 15.5
        yield f'<text class="more" x="{_n(PAD + gutter)}" y="{_n(base)}">and {left} more</text>'


def _link(link: Link, entities: dict[ObjectId, Entity], points: Sequence[tuple[float, float]], loop: bool) -> str:
    """A foreign key as a curve with a crow's foot at the child and a bar at the parent."""
    child, parent = entities[link.child], entities[link.parent]
    (cx, cy), (px, py) = points[0], points[-1]
    out = 1.0 if loop or points[1][0] > cx else -1.0  # the way in which the line leaves the child
    back = 1.0 if loop else -out  # and the parent
    if loop:
        bulge = max(cx, px) + 40
        path = f"M{_n(cx)} {_n(cy)}C{_n(bulge)} {_n(cy)} {_n(bulge)} {_n(py)} {_n(px)} {_n(py)}"
    else:
        path = _curve(points)
    told = f"{child.title}.{', '.join(link.columns)} -> {parent.title}.{', '.join(link.parent_columns)}"
    ends = _child_end(cx, cy, out, link.unique) + _parent_end(px, py, back, link.optional)
    return (
        f'<g class="link" data-child="{child.key}" data-parent="{parent.key}">'
        f"<title>{html(f'{told} ({link.name})')}</title>"
        f'<path d="{path}"/>{ends}</g>'
    )


def _curve(points: Sequence[tuple[float, float]]) -> str:
    """A line through all points that is level at each of them."""
    (x, y), *rest = points
    path = [f"M{_n(x)} {_n(y)}"]
    for nx, ny in rest:
        if abs(ny - y) < 0.5:
            path.append(f"L{_n(nx)} {_n(ny)}")
        else:
            reach = (nx - x) * 0.5
            path.append(f"C{_n(x + reach)} {_n(y)} {_n(nx - reach)} {_n(ny)} {_n(nx)} {_n(ny)}")
        x, y = nx, ny
    return "".join(path)


def _child_end(x: float, y: float, way: float, unique: bool) -> str:
    """Many: a crow's foot. At most one: a bar. Both with a ring: there may be none."""
    if unique:
        return f'<path d="M{_n(x + 7 * way)} {_n(y - 5)}V{_n(y + 5)}"/><circle cx="{_n(x + 13 * way)}" cy="{_n(y)}" r="3.6"/>'
    foot = f"M{_n(x)} {_n(y - 5)}L{_n(x + 10 * way)} {_n(y)}L{_n(x)} {_n(y + 5)}"
    return f'<path d="{foot}"/><circle cx="{_n(x + 13.6 * way)}" cy="{_n(y)}" r="3.6"/>'


def _parent_end(x: float, y: float, way: float, optional: bool) -> str:
    """Exactly one: two bars. None or one: a bar and a ring."""
    bar = f'<path d="M{_n(x + 6 * way)} {_n(y - 5)}V{_n(y + 5)}"/>'
    if optional:
        return f'{bar}<circle cx="{_n(x + 12 * way)}" cy="{_n(y)}" r="3.6"/>'
    return f'{bar}<path d="M{_n(x + 10 * way)} {_n(y - 5)}V{_n(y + 5)}"/>'


def _n(value: float) -> str:
    """A number of pixels, short: at most one digit after the point."""
    text = f"{value:.1f}"
    return text.removesuffix(".0")
