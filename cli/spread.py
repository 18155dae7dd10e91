"""Independent pieces of work spread over the machine's processors, in processes that are forked from this one.

Forking spares each the imports, and what was read before the fork is there already. Where there is no fork (Windows),
or it is not safe (macOS, where system libraries may hold locks at that moment), one process does all.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

Made = TypeVar("Made")

FEWEST = 48  # pieces below which starting processes costs more than it gains
MOST_PROCESSES = 8
CHUNK = 8
NUMBER = 4  # bytes of a chunk's number in the pipe
PIPE_HOLDS = 1_000  # such numbers, at the least: a page, which is all that a user with many pipes gets


def spread(work: Callable[[int], Made], count: int) -> list[Made]:
    """[work(0), ..., work(count - 1)]. What `work` returns must be picklable; an error in it is raised here.

    This process works as well, and whoever is free takes the next chunk. Should a helper fail or die, all is done again
    here, so that an error is the one that a single process meets.
    """
    processors = len(os.sched_getaffinity(0)) if sys.platform == "linux" else 1
    if count < FEWEST or processors < 2:
        return [work(number) for number in range(count)]
    import gc
    import multiprocessing

    size = max(CHUNK, -(-count // PIPE_HOLDS))
    turns, numbers = os.pipe()
    os.write(numbers, b"".join(start.to_bytes(NUMBER, "big") for start in range(0, count, size)))
    os.close(numbers)  # an empty pipe is the end of the work
    fork = multiprocessing.get_context("fork")
    collecting = gc.isenabled()
    gc.disable()
    gc.freeze()  # the collector would touch, and so copy, every page that the processes share
    helpers = []
    try:
        for _ in range(min(processors, MOST_PROCESSES) - 1):
            ours, theirs = fork.Pipe(duplex=False)
            helper = fork.Process(target=_help, args=(work, count, size, turns, theirs), daemon=True)
            helper.start()
            theirs.close()
            helpers.append((helper, ours))
        done: dict[int, list[Made]] = {}
        sending = [pipe for _, pipe in helpers]
        for start, made in _taken(work, count, size, turns):
            done[start] = made
            _collect(sending, done, wait=False)  # a full pipe would stop the helper
        _collect(sending, done, wait=True)
    except (EOFError, OSError):
        return [work(number) for number in range(count)]
    finally:
        os.close(turns)
        for helper, pipe in helpers:
            pipe.close()
            helper.join()
        if collecting:
            gc.enable()
    return [made for start in range(0, count, size) for made in done[start]]


def _collect(pipes: list[Connection], done: dict[int, list[Made]], *, wait: bool) -> None:
    """Take what helpers have sent, and let go of those that are through. wait: until all are. Errors: EOFError when one
    died."""
    for pipe in list(pipes):
        while wait or pipe.poll():
            told = pipe.recv()
            if told is None:
                pipes.remove(pipe)
                break
            done[told[0]] = told[1]


def _help(work: Callable[[int], Made], count: int, size: int, turns: int, results: Connection) -> None:
    try:
        for chunk in _taken(work, count, size, turns):
            results.send(chunk)
        results.send(None)
    finally:
        os._exit(0)  # an error is told by the closed pipe, and comes up again in the process that asked


def _taken(work: Callable[[int], Made], count: int, size: int, turns: int) -> Iterator[tuple[int, list[Made]]]:
    """The chunks that this process comes to take, each with the number of its first piece."""
    while taken := os.read(turns, NUMBER):
        start = int.from_bytes(taken, "big")
        yield start, [work(number) for number in range(start, min(start + size, count))]
