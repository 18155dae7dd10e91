"""A talk in the terminal: lines in, lines out. prompt_toolkit when a person sits there, plain lines when a script does."""

from __future__ import annotations

import contextlib
import difflib
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import screen

if TYPE_CHECKING:
    from prompt_toolkit import PromptSession

Handler = Callable[[str], bool | None]


@dataclass(frozen=True, slots=True)
class Command:
    """A slash command. run gets what stands after its name; True ends the talk. help: one line; hint: its argument."""

    name: str
    help: str
    run: Handler
    hint: str = ""
    words: Callable[[], Sequence[str]] = tuple


class Conversation:
    """The talk itself. Ctrl-C ends what is going on, not the talk; Ctrl-D or /quit ends the talk."""

    def __init__(
        self,
        commands: Sequence[Command],
        answer: Handler,
        *,
        history: Path,
        prompt: str = "agentdb",
        status: Callable[[], str] = str,
    ) -> None:
        self.commands: Mapping[str, Command] = {c.name: c for c in commands}
        self.answer = answer
        self.history = history
        self.prompt = prompt
        self.status = status
        self.console = screen.console()
        self.interactive = sys.stdin.isatty() and sys.stdout.isatty()
        self._session: PromptSession[str] | None = None

    def run(self) -> None:
        """Read and answer until the end. Errors that agentdb knows are told and do not end the talk."""
        from ..errors import AgentdbError

        while True:
            try:
                line = self.read()
            except EOFError:
                self.say("")
                return
            except KeyboardInterrupt:
                self.say("[quiet](Ctrl-D or /quit leaves)[/quiet]")
                continue
            if not line.strip():
                continue
            try:
                if self.handle(line.strip()):
                    return
            except KeyboardInterrupt:
                self.say("\n[warn]cancelled[/warn] [quiet]the thread is as it was[/quiet]")
            except AgentdbError as error:
                self.say(f"[bad]{screen.safe(str(error))}[/bad]")
                if error.hint:
                    self.say(f"  {screen.safe(error.hint)}")

    def handle(self, line: str) -> bool:
        """One line: a slash command, or a question. True when the talk is over."""
        if not line.startswith("/"):
            return bool(self.answer(line))
        name, _, rest = line.partition(" ")
        command = self.commands.get(name.lower())
        if command is None:
            close = difflib.get_close_matches(name.lower(), self.commands, n=1, cutoff=0.4)
            meant = f" Did you mean {close[0]}?" if close else ""
            self.say(f"There is no command {screen.safe(name)}.{meant} /help lists them.")
            return False
        return bool(command.run(rest.strip()))

    def read(self, message: str = "", *, plain: bool = False) -> str:
        """One line from the person. plain: no completion and not kept in the history (for names typed to confirm).
        Errors: EOFError, KeyboardInterrupt."""
        if not self.interactive:
            self.console.print(f"{message or self.prompt + '>'} ", end="", markup=False)
            sys.stdout.flush()
            line = sys.stdin.readline()
            if not line:
                raise EOFError
            self.console.print(line.rstrip("\n"), markup=False)
            return line.rstrip("\n")
        if plain:
            from prompt_toolkit import prompt

            return prompt(f"{message} ")
        return self._prompt_session().prompt(f"{self.prompt}> ")

    def say(self, text: Any = "", **options: Any) -> None:
        """Print; text may carry the house's markup."""
        self.console.print(text, **options)

    def say_text(self, text: str) -> None:
        """Print lines of prose that come from files, databases or models: nothing in them acts."""
        for line in text.splitlines():
            screen.write(self.console, screen.safe(line), hang=len(line) - len(line.lstrip()) + 4)

    def say_code(self, text: str) -> None:
        """Print SQL and the like as it is: nothing in it acts, and no line is broken."""
        self.console.print(screen.safe(text), soft_wrap=True)

    def help(self, _: str = "") -> None:
        """Print what can be typed."""
        rows = [(f"{c.name} {c.hint}".strip(), c.help) for c in self.commands.values()]
        self.say(screen.table(("command", "what it does"), [(screen.safe(a), screen.safe(b)) for a, b in rows]))

    @contextlib.contextmanager
    def working(self, text: str) -> Iterator[None]:
        """A sign of life while something takes its time; nothing when nobody watches."""
        if not self.interactive:
            yield
            return
        with self.console.status(f"[quiet]{screen.safe(text)}[/quiet]"):
            yield

    def _prompt_session(self) -> PromptSession[str]:
        if self._session is None:
            from prompt_toolkit import PromptSession
            from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
            from prompt_toolkit.formatted_text import FormattedText
            from prompt_toolkit.history import FileHistory

            self.history.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.history.touch(mode=0o600)
            self._session = PromptSession(
                history=FileHistory(str(self.history)),
                auto_suggest=AutoSuggestFromHistory(),
                completer=_completer(self.commands),
                complete_while_typing=True,
                bottom_toolbar=lambda: FormattedText([("", f" {self.status()} ")]),
            )
        return self._session


def _completer(commands: Mapping[str, Command]) -> Any:
    """Completes slash commands, and what a command says its argument may be."""
    from prompt_toolkit.completion import Completer, Completion

    class Slash(Completer):
        def get_completions(self, document: Any, complete_event: Any) -> Iterator[Completion]:
            before = document.text_before_cursor
            if not before.startswith("/"):
                return
            name, space, rest = before.partition(" ")
            if not space:
                for command in commands.values():
                    if command.name.startswith(name.lower()):
                        yield Completion(command.name, start_position=-len(name), display_meta=command.help)
            elif name.lower() in commands:
                for word in commands[name.lower()].words():
                    if word.lower().startswith(rest.lower()):
                        yield Completion(word, start_position=-len(rest))

    return Slash()
