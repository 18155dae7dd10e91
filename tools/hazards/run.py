"""Statements and rules to findings: static, deterministic, without a database.

`check` looks at one script; a `Session` carries what it learned from one script to the next.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ..records import Finding, Proof, Severity
from ..sql import grammar
from ..sql.effects import dotted, effects_of, object_name
from ..sql.parse import Parsed, Script
from . import bodies
from .catalog import Catalog, Function
from .context import Context
from .copied import note_copies
from .ignores import apply_ignores
from .learn import learn
from .learn_table import constraint_name
from .locks import locks_of
from .registry import Hit, Rule, applying
from .severity import severity_of
from .shapes import key
from .step import Ahead, Step
from .timeouts import note_timeouts
from .transaction import STRENGTH, Transaction

_NONE: frozenset[str] = frozenset()
DEEPEST_BODY = 4  # functions that call functions: how far down to look


def check(script: Script, *, path: str = "", context: Context = Context()) -> tuple[Finding, ...]:  # noqa: B008
    """The findings of one script, in the order of its statements."""
    return Session(context).check(script, path=path)


def numbered(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings with ids F-1, F-2, ... in the order given."""
    return tuple(f.with_id(f"F-{number}") for number, f in enumerate(findings, 1))


class Session:
    """What is known while scripts are checked one after the other."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.wanted = frozenset((*context.enabled, *context.severity))
        self.catalog = Catalog(complete=context.schema_complete or context.before is not None)
        if context.before is not None:
            from .remember import remember  # brings what reads a schema with it

            remember(self.catalog, context.before)
        for script in context.setup:
            self.read(script)

    def asked(self, step: Step) -> tuple[Rule, ...]:
        """The rules that look at a statement like this one, as far as they are on; late ones last."""
        acts = frozenset(a.kind for a in step.actions) if step.node_name == "alter_table_stmt" else _NONE
        return applying(step.node_name, self.context.pg_version, acts, self.wanted)

    def read(self, script: Script) -> None:
        """Learn from a script that has run already; nothing is judged."""
        for parsed in script.statements:
            if parsed.node is not None:
                learn(self.catalog, parsed.node_name, parsed.node, new=False, text=parsed.statement.text)

    def check(self, script: Script, *, path: str = "", in_transaction: bool | None = None) -> tuple[Finding, ...]:
        """The findings of a script; what it makes is known, and counts as new, to the scripts after it.

        in_transaction: other than the context says, for this script.
        """
        wrapped = self.context.in_transaction if in_transaction is None else in_transaction
        work = Walk(self, script, path, Transaction(wrapped=wrapped, lock_timeout=self.context.lock_timeout_set))
        found = work.all()
        return tuple(apply_ignores(script, found, path, self.context.today))

    def age(self) -> None:
        """What was new is now old: the next script belongs to another change."""
        self.catalog.age()


class Walk:
    """One script on its way through the rules."""

    def __init__(self, session: Session, script: Script, path: str, transaction: Transaction) -> None:
        self.session, self.script, self.path, self.transaction = session, script, path, transaction
        self.ahead: list[Ahead] = []
        self.findings: list[Finding] = []
        self.seen: set[tuple[str, int, str]] = set()

    def all(self) -> list[Finding]:
        statements = self.script.statements
        self.ahead = [Ahead(p.node_name, p.node) for p in statements if p.node is not None]
        if self.script.problem is not None:
            self.broken()
        passed = 0
        first = True
        for parsed in statements:
            if parsed.node is None:
                if not first:
                    self.unread(parsed)
                first = False
                continue
            passed += 1
            self.top(parsed, passed)
        self.end()
        return self.findings

    def broken(self) -> None:
        """The syntax error itself; pieces that the grammar takes alone are judged as usual."""
        problem = self.script.problem
        assert problem is not None
        statement = next((p.statement for p in self.script.statements if p.node is None), None)
        step = self.step_for(None, problem.line, statement.text if statement else "", "syntax_error", None)
        step.index = statement.index if statement else 0
        self.judge(step)

    def unread(self, parsed: Parsed) -> None:
        """A further piece that the grammar rejects: its error was not told, and silence would pass for safety."""
        statement = parsed.statement
        self.judge(self.step_for(parsed, statement.span.line, statement.text, "unread", None))

    def step_for(
        self, parsed: Parsed | None, line: int, text: str, node_name: str, node: object, passed: int | None = None
    ) -> Step:
        return Step(
            index=parsed.statement.index if parsed else 0,
            line=line,
            text=text,
            kind=parsed.statement.kind if parsed else "UNKNOWN",
            node_name=node_name,
            node=node if node is not None else self.script.problem,
            catalog=self.session.catalog,
            transaction=self.transaction,
            context=self.session.context,
            transactional=parsed.statement.transactional if parsed else None,
            script=self.ahead,
            passed=len(self.ahead) if passed is None else passed,
        )

    def top(self, parsed: Parsed, passed: int) -> None:
        """One statement of the script: judged, looked into, learned from."""
        statement = parsed.statement
        step = self.step_for(parsed, statement.span.line, statement.text, parsed.node_name, parsed.node, passed)
        try:
            self.pass_over(step)
        except RecursionError:
            # The grammar can read it and we cannot: what is too deep for the rules is told, never passed over.
            self.judge(replace(step, node_name="opaque", text="a statement too deep to be judged", found=[]))
        if step.alone or not self.transaction.open:
            self.transaction.forget()

    def pass_over(self, step: Step) -> None:
        """Judge a statement, look into it, and learn from it."""
        if self.session.context.splits and self.transaction.wrapped and step.transactional is False:
            step.alone = True
            self.transaction.forget()
        self.judge(step)
        self.look_inside(step, 0)
        self.pass_on(step)

    def judge(self, step: Step) -> None:
        """Ask every rule that looks at such a statement."""
        for rule in self.session.asked(step):
            for hit in rule.check(step):
                step.found.append((rule, hit))
                self.add(rule, hit, step)

    def add(self, rule: Rule, hit: Hit, step: Step) -> None:
        severity = severity_of(rule, hit, self.session.context)
        if severity is None:
            return
        known = (rule.id, step.line, hit.why)
        if known in self.seen:
            return
        self.seen.add(known)
        why = f"Inside {step.inside}: {hit.why}" if step.inside else hit.why
        self.findings.append(
            Finding(
                rule=rule.id,
                severity=severity,
                title=rule.title,
                why=why,
                fix=hit.fix,
                path=self.path,
                line=step.line,
                statement=step.index,
                objects=hit.objects or ((hit.relation,) if hit.relation else ()),
            )
        )

    def pass_on(self, step: Step) -> None:
        """The statement has run: what it holds, sets and makes is known to those after it."""
        catalog, transaction = self.session.catalog, self.transaction
        for relation, mode in locks_of(step):
            if not catalog.is_new(relation):
                transaction.hold(relation, mode, step.line)
        note_timeouts(step)
        self.note_additions(step)
        learn(catalog, step.node_name, step.node, new=True, text=step.text)
        if step.node_name == "transaction_stmt":
            self.steer(step)

    def note_additions(self, step: Step) -> None:
        """Constraints added NOT VALID and enum values: dangerous later in the same transaction. Copies: in the change."""
        transaction = self.transaction
        note_copies(step)
        if step.actions and not self.session.catalog.is_new(step.relation):
            transaction.last_altered[step.relation] = step.line
        if step.node_name == "drop_stmt" and step.kind == "DROP INDEX":
            transaction.dropped_indexes.update(object_name(o).rpartition(".")[2] for o in step.node.objects)
        for action in step.acts("DropConstraint"):
            transaction.dropped.setdefault(step.relation, set()).add(action.name)
        for action in step.acts("AddConstraint"):
            constraint = action.constraint
            if constraint is not None and not constraint.validated and constraint.enforced:
                transaction.unvalidated[step.relation, constraint_name(step.table, constraint)] = step.line
        if step.node_name == "alter_enum_stmt" and step.node.new_val and not step.node.old_val:
            name = key(dotted(step.node.type_name))
            if name not in self.session.catalog.new_types:
                transaction.enum_values.setdefault(name, {})[str(step.node.new_val)] = step.line
        for relation, mode in locks_of(step):
            if STRENGTH[mode] >= STRENGTH["ACCESS EXCLUSIVE"] and not self.session.catalog.is_new(relation):
                transaction.altered.setdefault(relation, step.line)

    def steer(self, step: Step) -> None:
        kind = grammar.enum_name(step.node, "kind").removeprefix("TRANS_STMT_")
        if kind in ("BEGIN", "START"):
            if not self.transaction.open:
                self.transaction.explicit, self.transaction.began = True, step.line
        elif kind in ("COMMIT", "ROLLBACK", "PREPARE"):
            self.transaction.end()
            if step.node.chain:
                self.transaction.explicit, self.transaction.began = True, step.line

    def look_inside(self, step: Step, depth: int) -> None:
        """Judge the statements inside a DO block, or inside a function that is called and whose text is known."""
        if depth > DEEPEST_BODY:
            return
        if step.node_name == "do_stmt":
            self.inside(step, bodies.body_of_do(step.node, step.text), "a DO block", depth)
            return
        for function in self.called(step):
            if function.language in ("plpgsql", "sql"):
                body = (
                    bodies.plpgsql(function.text, function.body)
                    if function.language == "plpgsql"
                    else bodies.sql_body(function.node, function.body, function.text)
                )
                self.inside(step, body, f"function {function.name}", depth, own_lines=False)

    def called(self, step: Step) -> list[Function]:
        """The known functions that a SELECT or CALL at the top runs."""
        if step.node_name not in ("select_stmt", "call_stmt"):
            return []
        functions = self.session.catalog.functions
        names = (key(dotted(m.funcname)) for m in step.messages("FuncCall"))
        return [functions[n] for n in dict.fromkeys(names) if n in functions]

    def inside(self, outer: Step, body: bodies.Body, where: str, depth: int, *, own_lines: bool = True) -> None:
        """Judge a body's statements in its transaction; tell what cannot be read."""
        block = not self.transaction.open
        if block:
            self.transaction.explicit, self.transaction.began = True, outer.line
        for inner in body.statements:
            does = effects_of(inner.node_name, inner.node, objects=False)
            step = Step(
                index=outer.index,
                line=outer.line + (inner.line if own_lines else 0),
                text=inner.text,
                kind=does.kind,
                node_name=inner.node_name,
                node=inner.node,
                catalog=self.session.catalog,
                transaction=self.transaction,
                context=self.session.context,
                transactional=does.transactional,
                inside=where,
            )
            self.judge(step)
            outer.found.extend(step.found)
            self.look_inside(step, depth + 1)
            self.pass_on(step)
        for line, what in body.opaque:
            step = replace(outer, line=outer.line + (line if own_lines else 0), node_name="opaque", text=what, found=[])
            self.judge(step)
        if block:
            self.transaction.explicit = False
            self.transaction.forget()

    def end(self) -> None:
        """The script is over: what it left open is a finding."""
        statements = self.script.statements
        if not statements:
            return
        last = statements[-1]
        step = self.step_for(last, self.transaction.began or last.statement.span.line, "", "end_of_script", last.node)
        if self.transaction.explicit:
            step.index = last.statement.index
            self.judge(step)


def worst(findings: Iterable[Finding]) -> Severity | None:
    """The highest severity among findings that count: neither ignored nor refuted."""
    counting = [f.severity for f in findings if counts(f)]
    return max(counting, key=lambda s: s.rank, default=None)


def counts(finding: Finding) -> bool:
    """Whether a finding may fail a check: it isn't ignored and the sandbox did not refute it."""
    return not finding.ignored and finding.proof is not Proof.REFUTED
