"""Where the boxes and lines of a diagram go: layers from left to right along the foreign keys, parents first.

The method is Sugiyama's: layers, an order within each that crosses few lines, then heights that keep lines level.
Everything is decided by names, so one schema always gives one picture.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import fmean

GAP_Y = 34.0
GAP_X = 84.0
LANE = 18.0  # room for a line that passes through a layer
SWEEPS = 10
TALLEST = 1.25  # how much higher than its share of a wide page a layer may be before it is split


@dataclass(frozen=True, slots=True)
class Box:
    """A box to be placed; sizes in pixels."""

    key: str
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Line:
    """A line from a child's row to a parent's; `child_y` and `parent_y` are measured from the top of their boxes."""

    key: str
    child: str
    parent: str
    child_y: float
    parent_y: float


@dataclass
class Placed:
    """The picture: the upper left corner of each box, the points that each line passes (child first), and its size.

    loops: the lines whose ends are both on the right of one layer, or of one box.
    """

    boxes: dict[str, tuple[float, float]] = field(default_factory=dict)
    lines: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    loops: set[str] = field(default_factory=set)
    width: float = 0.0
    height: float = 0.0


@dataclass
class _Node:
    """A box, or a lane for a line that passes through a layer."""

    key: str
    layer: int
    width: float
    height: float
    y: float = 0.0
    left: list[tuple[_Node, float, float]] = field(default_factory=list)  # neighbour, own port, its port
    right: list[tuple[_Node, float, float]] = field(default_factory=list)


def layered(boxes: Sequence[Box], lines: Sequence[Line]) -> Placed:
    """One connected diagram. Lines whose ends are in one layer, or one box, get no lanes."""
    layers_of = _layers(boxes, lines)
    nodes = {b.key: _Node(b.key, layers_of[b.key], b.width, b.height) for b in boxes}
    layers: list[list[_Node]] = [[] for _ in range(max(layers_of.values()) + 1)]
    for box in boxes:
        layers[layers_of[box.key]].append(nodes[box.key])
    lanes: dict[str, list[_Node]] = {}
    for line in lines:
        child, parent = nodes[line.child], nodes[line.parent]
        if child.layer == parent.layer:
            continue
        (start, at), (end, to) = (parent, line.parent_y), (child, line.child_y)
        if start.layer > end.layer:
            (start, at), (end, to) = (end, to), (start, at)
        passed = [start]
        for number in range(start.layer + 1, end.layer):
            lane = _Node(f"{line.key}\0{number}", number, 0.0, LANE)
            layers[number].append(lane)
            passed.append(lane)
        lanes[line.key] = passed[1:]
        passed.append(end)
        for here, there in pairwise(passed):
            mine = at if here is start else LANE / 2
            other = to if there is end else LANE / 2
            here.right.append((there, mine, other))
            there.left.append((here, other, mine))
    _order(layers)
    _heights(layers)
    return _drawn(layers, lanes, nodes, lines)


def _layers(boxes: Sequence[Box], lines: Sequence[Line]) -> dict[str, int]:
    """The layer of each box: after all that it points at, as far as circles allow; tall layers are split."""
    parents: dict[str, list[str]] = {b.key: [] for b in boxes}
    for line in lines:
        if line.child != line.parent and line.parent not in parents[line.child]:
            parents[line.child].append(line.parent)
    forward = _without_circles(parents)
    depth: dict[str, int] = {}
    for key in _parents_first(forward):
        depth[key] = max((depth[p] + 1 for p in forward[key]), default=0)
    children: dict[str, list[str]] = {k: [] for k in parents}
    for key, above in forward.items():
        for parent in above:
            children[parent].append(key)
    for key in sorted(depth, key=lambda k: -depth[k]):  # what points at nothing stands next to what points at it
        if not forward[key] and children[key]:
            depth[key] = min(depth[c] for c in children[key]) - 1
    return _split(boxes, depth)


def _without_circles(parents: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """The same graph without the lines that close a circle, found by walking from each box in turn."""
    state: dict[str, int] = {}
    kept: dict[str, list[str]] = {k: [] for k in parents}
    for root in parents:
        if root in state:
            continue
        stack = [(root, iter(parents[root]))]
        state[root] = 1
        while stack:
            key, rest = stack[-1]
            for parent in rest:
                if state.get(parent) == 1:
                    continue
                kept[key].append(parent)
                if parent not in state:
                    state[parent] = 1
                    stack.append((parent, iter(parents[parent])))
                    break
            else:
                state[key] = 2
                stack.pop()
    return kept


def _parents_first(forward: Mapping[str, Sequence[str]]) -> list[str]:
    done: dict[str, None] = {}
    for root in forward:
        stack = [root]
        while stack:
            waiting = [p for p in forward[stack[-1]] if p not in done]
            if waiting:
                stack.append(waiting[0])
            else:
                done[stack.pop()] = None
    return list(done)


def _split(boxes: Sequence[Box], depth: Mapping[str, int]) -> dict[str, int]:
    """The layers with those that are too tall cut into several, so that the picture is rather wide than high."""
    area = sum((b.width + GAP_X) * (b.height + GAP_Y) for b in boxes)
    most = max(TALLEST * (area / 1.6) ** 0.5, max(b.height for b in boxes))
    placed: dict[str, int] = {}
    following = 0
    for level in sorted(set(depth.values())):
        members = [b for b in boxes if depth[b.key] == level]
        total = sum(b.height + GAP_Y for b in members)
        pieces = max(1, round(total / most))
        share, filled, piece = total / pieces, 0.0, 0
        for box in members:
            if filled > 0 and filled + (box.height + GAP_Y) / 2 > share * (piece + 1) and piece < pieces - 1:
                piece += 1
            placed[box.key] = following + piece
            filled += box.height + GAP_Y
        following += piece + 1
    return placed


def _order(layers: list[list[_Node]]) -> None:
    """Each layer in the order of the middle of its neighbours, swept to and fro; the order with the fewest crossings
    is kept."""
    best: list[list[_Node]] = [list(layer) for layer in layers]
    fewest = _crossings(layers)
    for sweep in range(SWEEPS):
        numbers = range(1, len(layers)) if sweep % 2 == 0 else range(len(layers) - 2, -1, -1)
        for number in numbers:
            beside = layers[number - 1] if sweep % 2 == 0 else layers[number + 1]
            place = {id(n): i for i, n in enumerate(beside)}
            own = {id(n): i / max(len(layers[number]), 1) * len(beside) for i, n in enumerate(layers[number])}

            def middle(
                node: _Node, to_left: bool = sweep % 2 == 0, place: dict[int, int] = place, own: dict[int, float] = own
            ) -> float:
                near = [place[id(n)] + port / 1e4 for n, _, port in (node.left if to_left else node.right)]
                return fmean(near) if near else own[id(node)]

            layers[number].sort(key=middle)
        crossed = _crossings(layers)
        if crossed < fewest:
            fewest, best = crossed, [list(layer) for layer in layers]
    for layer, kept in zip(layers, best, strict=True):
        layer[:] = kept


def _crossings(layers: list[list[_Node]]) -> int:
    """How many pairs of lines cross between neighbouring layers."""
    total = 0
    for number in range(len(layers) - 1):
        place = {id(n): i for i, n in enumerate(layers[number + 1])}
        ends: list[tuple[float, float]] = []
        for index, node in enumerate(layers[number]):
            ends += [(index + mine / 1e5, place[id(n)] + other / 1e5) for n, mine, other in node.right]
        seconds = [b for _, b in sorted(ends)]
        total += _inversions(seconds)
    return total


def _inversions(values: list[float]) -> int:
    """How many pairs stand in the wrong order, by merging."""
    if len(values) < 2:
        return 0
    half = len(values) // 2
    left, right = values[:half], values[half:]
    found = _inversions(left) + _inversions(right)
    merged, i, j = [], 0, 0
    while i < len(left) and j < len(right):
        if left[i] <= right[j]:
            merged.append(left[i])
            i += 1
        else:
            merged.append(right[j])
            found += len(left) - i
            j += 1
    values[:] = merged + left[i:] + right[j:]
    return found


def _heights(layers: list[list[_Node]]) -> None:
    """y of every node: near to where its lines come from, in the order of its layer, nothing overlapping."""
    for layer in layers:
        _settle(layer, [0.0] * len(layer))
    for sweep in range(SWEEPS):
        order = layers if sweep % 2 == 0 else layers[::-1]
        for layer in order:
            wanted = []
            for node in layer:
                near = node.left if sweep % 2 == 0 else node.right
                near = near or (node.right if sweep % 2 == 0 else node.left)
                wanted.append(fmean(n.y + other - mine for n, mine, other in near) if near else node.y)
            _settle(layer, wanted)
    top = min(node.y for layer in layers for node in layer)
    for layer in layers:
        for node in layer:
            node.y -= top


def _settle(layer: list[_Node], wanted: Sequence[float]) -> None:
    """The heights nearest to those wanted (least squares) that keep order and gaps: pooling of adjacent violators."""
    offsets, at = [], 0.0
    for index, node in enumerate(layer):
        offsets.append(at)
        lanes = index + 1 < len(layer) and node.width == 0 and layer[index + 1].width == 0
        at += node.height + (0.0 if lanes else GAP_Y)
    blocks: list[tuple[float, int]] = []  # mean, count
    for target, offset in zip(wanted, offsets, strict=True):
        mean, count = target - offset, 1
        while blocks and blocks[-1][0] > mean:
            above, many = blocks.pop()
            mean, count = (above * many + mean * count) / (many + count), many + count
        blocks.append((mean, count))
    index = 0
    for mean, count in blocks:
        for _ in range(count):
            layer[index].y = mean + offsets[index]
            index += 1


def _drawn(
    layers: list[list[_Node]], lanes: Mapping[str, list[_Node]], nodes: Mapping[str, _Node], lines: Sequence[Line]
) -> Placed:
    """Corners of boxes and points of lines from the layers."""
    placed = Placed()
    lefts, rights, x = [], [], 0.0
    for number, layer in enumerate(layers):
        width = max((n.width for n in layer), default=0.0)
        lefts.append(x)
        rights.append(x + width)
        passing = sum(len(n.right) for n in layer)
        x += width + GAP_X + min(passing, 24) * 3.0 * (number + 1 < len(layers))
    for layer in layers:
        for node in layer:
            if node.width:
                left = lefts[node.layer] + (rights[node.layer] - lefts[node.layer] - node.width) / 2
                placed.boxes[node.key] = (left, node.y)
                placed.height = max(placed.height, node.y + node.height)
            else:
                placed.height = max(placed.height, node.y + node.height)
    placed.width = rights[-1]
    for line in lines:
        child, parent = nodes[line.child], nodes[line.parent]
        (cx, cy), (px, py) = placed.boxes[line.child], placed.boxes[line.parent]
        cy, py = cy + line.child_y, py + line.parent_y
        if child.layer == parent.layer:
            placed.lines[line.key] = [(cx + child.width, cy), (px + parent.width, py)]
            placed.loops.add(line.key)
            placed.width = max(placed.width, cx + child.width + 46, px + parent.width + 46)
            continue
        to_left = parent.layer < child.layer
        points = [(cx, cy) if to_left else (cx + child.width, cy)]
        through = [(lefts[n.layer], rights[n.layer], n.y + LANE / 2) for n in lanes[line.key]]
        for left, right, y in reversed(through) if to_left else through:
            points += [(right, y), (left, y)] if to_left else [(left, y), (right, y)]
        points.append((px + parent.width, py) if to_left else (px, py))
        placed.lines[line.key] = points
    return placed


def packed(parts: Sequence[tuple[float, float]], width: float, gap: float) -> list[tuple[float, float]]:
    """Corners for rectangles (width, height), in rows no wider than `width`, in the order given."""
    corners = []
    x = y = row = 0.0
    for wide, high in parts:
        if x > 0 and x + wide > width:
            x, y, row = 0.0, y + row + gap, 0.0
        corners.append((x, y))
        x += wide + gap
        row = max(row, high)
    return corners
