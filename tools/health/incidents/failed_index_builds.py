"""An index that a failed CONCURRENTLY left invalid."""

from __future__ import annotations

from collections.abc import Iterator

from ...sql.quote import qualified
from ..hypothesis import Certainty, Hypothesis, Step
from ..situation import Situation


def find(facts: Situation) -> Iterator[Hypothesis]:
    """Invalid indexes that nobody builds at the moment."""
    for row in facts.invalid_indexes:
        if row["building"] or row["perhaps_building"] or row["partitioned"]:
            continue
        name = qualified(row["schema"], row["index"])
        ours = next((r for r in facts.ledger if row["index"] in str(r.get("under_way", "")) and not r["alive"]), None)
        because = [f"{name} on {qualified(row['schema'], row['table'])} is not valid, and no session builds it"]
        if ours:
            because.append(f"migration {ours['version']} was building it when it stopped: {ours['under_way']}")
        steps = []
        if row["is_unique"]:
            because.append("it is unique, and nothing enforces that now")
            steps.append(
                Step(
                    "look",
                    "Count the duplicates that may have stopped it.",
                    "Reads the whole table once.",
                    command="agentdb health --integrity",
                )
            )
        again = str(row["definition"] or "CREATE INDEX <as it was defined>").replace("INDEX ", "INDEX CONCURRENTLY ", 1)
        steps += [
            Step(
                "retry",
                "Drop it and build it again, outside a transaction.",
                "The build reads the table twice and waits for every older transaction; IF NOT EXISTS without the drop would"
                " keep the invalid one.",
                sql=f"DROP INDEX CONCURRENTLY {name};\n{again};",
            ),
            Step(
                "mend",
                "Or rebuild it in place.",
                "Fails again on the same duplicates and leaves one more index, named ..._ccnew.",
                sql=f"REINDEX INDEX CONCURRENTLY {name};",
            ),
            Step(
                "roll back",
                "Or only drop it.",
                "Queries that were to use it stay slow.",
                sql=f"DROP INDEX CONCURRENTLY {name};",
            ),
        ]
        if ours:
            steps.insert(
                0,
                Step(
                    "resume",
                    "Let agentdb clean up and go on; it drops the invalid index before it builds again.",
                    "As that of the build.",
                    command="agentdb apply --resume",
                ),
            )
        yield Hypothesis(
            "failed-index-build",
            f"a failed build left {name} invalid",
            Certainty.MEASURED,
            tuple(because),
            tuple(steps),
        )
