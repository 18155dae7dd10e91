"""What to set, from what was measured: lock_timeout, how often to try, and what nothing of that can help."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..durations import seconds
from ..ledger.execute import Limits
from .carry import span
from .trial import Trial

TENFOLD = 10
CANDIDATES = ("1s", "500ms", "200ms", "100ms", "50ms", "20ms")
MOST_TRIED = 3
MOST_ATTEMPTS = 30


@dataclass(frozen=True, slots=True)
class Advice:
    """trial: the name of the one whose settings to take, None when none is better. met: it got through, and no SELECT
    waited longer than was fine. limits: what to set. factor: by how much the longest wait of a SELECT fell. lines: in
    words."""

    trial: str | None
    met: bool
    limits: Limits | None
    factor: float | None
    lines: tuple[str, ...]


def ceiling(plain: Trial, goal: float) -> float:
    """The longest wait to aim for: the goal, and a tenth of what readers waited without lock_timeout."""
    return min(goal, plain.reads.longest / TENFOLD) if plain.stampede else goal


def candidates(plain: Trial, now: Trial, goal: float, configured: Limits, hold: float) -> list[Limits]:
    """The limits to try, the longest first: the more patient a migration is, the sooner it gets its lock.

    None when nothing waited behind the migration, or when it is fine as configured.
    """
    aim = ceiling(plain, goal)
    if not plain.stampede or (now.ok and now.reads.longest <= aim):
        return []
    fit = [text for text in CANDIDATES if seconds(text) < aim * 0.8]
    return [enough(replace(configured, lock_timeout=text), hold) for text in fit[:MOST_TRIED]]


def enough(limits: Limits, hold: float) -> Limits:
    """The limits with as many attempts as outlast twice the reader's hold even when every pause is drawn short."""
    while span(limits) < 2 * hold and limits.lock_attempts < MOST_ATTEMPTS:
        limits = replace(limits, lock_attempts=limits.lock_attempts + 1)
    return limits


def advise(plain: Trial, now: Trial, tries: Sequence[Trial], goal: float, hold: float) -> Advice:
    """What to do."""
    aim = ceiling(plain, goal)
    if not plain.stampede:
        lines = ["Nobody was seen to wait behind the migration while it waited for its lock."]
        return Advice(None, plain.ok and plain.reads.longest <= goal, None, None, (*lines, *_own(plain, aim)))
    through = [t for t in (now, *tries) if t.ok]
    good = [t for t in through if t.reads.longest <= aim]
    best = good[0] if good else min(through, key=lambda t: t.reads.longest, default=None)
    if best is None:
        return Advice(
            None, False, None, None, ("No way got through while the reader held its lock.", *_own(plain, aim))
        )
    factor = plain.reads.longest / best.reads.longest if best.reads.longest else None
    lines = []
    if not good:
        lines.append(f"No way kept every SELECT under {shown(aim)}; this one came nearest.")
    retries = best.limits.lock_attempts - 1
    lines.append(
        f"lock_timeout = {best.limits.lock_timeout}, {retries} {'retry' if retries == 1 else 'retries'}, first pause"
        f" {shown(best.limits.retry_seconds)} doubling to 10 s, each drawn between half and one and a half times that."
    )
    short, long = span(best.limits), span(best.limits, luck=1.5)
    lines.append(
        f"That outlasts a transaction that holds the table for {shown(short)} to {shown(long)}; against a longer one"
        " the migration gives up, and nothing has changed."
    )
    return Advice(best.name, bool(good), best.limits, factor, (*lines, *_own(best, aim)))


def _own(trial: Trial, aim: float) -> list[str]:
    """What no lock_timeout helps against: the time for which the migration itself holds its lock."""
    if trial.held > aim:
        own = f"The migration itself holds its lock for {shown(trial.held)} on these rows"
        return [f"{own}; no lock_timeout shortens that. See `agentdb check` for a form that holds it shorter."]
    return []


def shown(value: float) -> str:
    """Seconds for people: "35 ms", "1.7 s", "4 min"."""
    if value < 0.9995:
        return f"{value * 1000:.0f} ms"
    return f"{value:.1f} s" if value < 100 else f"{value / 60:.0f} min"
