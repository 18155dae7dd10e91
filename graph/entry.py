"""The graph as `langgraph.json` names it: for LangGraph's own server and Studio, on the project of the folder it runs in.

AGENTDB_TARGET names the target. The server brings its own store of threads, so none is given here. The gate asks
for the same signed approval as everywhere: who can reach the server can look, and start rehearsals, but not approve.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from threading import Lock

from .build import build
from .context import Context, Target
from .run import workbench

KEPT = 8  # threads whose sandbox states are kept at the same time

_contexts: OrderedDict[str, Context] = OrderedDict()
_lock = Lock()


def context() -> Context:
    """The context of the thread that a node runs for: the project in the working directory, and a sandbox of the
    thread's own. Errors: ConfigError."""
    from langgraph.config import get_config

    thread = str(get_config().get("configurable", {}).get("thread_id", ""))
    with _lock:
        if thread not in _contexts:
            _contexts[thread] = _opened()
            while len(_contexts) > KEPT:
                _contexts.popitem(last=False)[1].workbench.close()
        _contexts.move_to_end(thread)
        return _contexts[thread]


def _opened() -> Context:
    from ..agents.model import model_from
    from ..config import load_settings
    from ..tools.databases.dsn import Dsn, dsn_from_environment
    from ..tools.files import Layout

    settings = load_settings()
    layout = Layout(settings.root, settings.migrations.directory, settings.docs.directory)
    name = os.environ.get("AGENTDB_TARGET", "")
    target = None
    if name:
        known, found = settings.target(name)
        target = Target(known, found, dsn_from_environment(found.dsn_env, os.environ))
    forbidden = [Dsn(os.environ[t.dsn_env]) for t in settings.targets.values() if os.environ.get(t.dsn_env)]
    bench = workbench(settings, layout, os.environ, target, forbidden)
    signers = settings.root / settings.approval.allowed_signers
    return Context(settings, layout, bench, signers, "langgraph", target, model_from(settings.model, os.environ))


graph = build(opened=context)
