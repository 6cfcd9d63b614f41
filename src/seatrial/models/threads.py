"""Holds a model's libraries to the threads it was given, whoever opens their sessions.

The numeric libraries read their environment when they are imported. ONNX Runtime does not: a
session takes every core and lets idle threads spin, so that two processes halve each other.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

RUNTIME = "onnxruntime"


def hold_to(count: int) -> None:
    """See to it that sessions of ONNX Runtime, once it is imported, use ``count`` threads.

    It holds for sessions whose options leave the number open or ask for more.
    """
    if RUNTIME in sys.modules:
        _hold_sessions(sys.modules[RUNTIME], count)
    else:
        sys.meta_path.insert(0, _Watch(count))


def hold_loaded_to(count: int) -> None:
    """Hold libraries to ``count`` threads that are imported already and may have been told more."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.get_num_threads() > count:
        torch.set_num_threads(count)
    pools = sys.modules.get("threadpoolctl")
    if pools is not None:
        controller = pools.ThreadpoolController()
        if any(one["num_threads"] > count for one in controller.info()):
            controller.limit(limits=count)


class _Watch(MetaPathFinder):
    """Lets the import of one module go its way, and sees to the module after it."""

    def __init__(self, count: int) -> None:
        self._count = count

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != RUNTIME:
            return None
        sys.meta_path.remove(self)
        for finder in sys.meta_path:
            spec = finder.find_spec(fullname, path, target)
            if spec is not None:
                if spec.loader is not None:
                    spec.loader = _Held(spec.loader, self._count)
                return spec
        return None


class _Held(Loader):
    """A loader whose module's sessions are held to a number of threads."""

    def __init__(self, loader: Loader, count: int) -> None:
        self._loader = loader
        self._count = count

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        if module.__spec__ is not None:
            module.__spec__.loader = module.__loader__ = self._loader
        self._loader.exec_module(module)
        _hold_sessions(module, self._count)


def _hold_sessions(runtime: Any, count: int) -> None:
    """Let every session of ONNX Runtime that is opened from now on keep to ``count`` threads."""
    opened = runtime.InferenceSession.__init__

    def init(
        self: Any, path_or_bytes: Any, sess_options: Any = None, *args: Any, **options: Any
    ) -> None:
        chosen = runtime.SessionOptions() if sess_options is None else sess_options
        limit(chosen, count)
        opened(self, path_or_bytes, chosen, *args, **options)

    runtime.InferenceSession.__init__ = init


def limit(options: Any, count: int) -> None:
    """Hold the options of a session to ``count`` threads that do not spin while they wait.

    Args:
        options: ``onnxruntime.SessionOptions``; a smaller number that they name stays.
        count: Threads of one call.
    """
    if not 0 < options.intra_op_num_threads <= count:
        options.intra_op_num_threads = count
    if not 0 < options.inter_op_num_threads <= count:
        options.inter_op_num_threads = 1
    for spinning in ("session.intra_op.allow_spinning", "session.inter_op.allow_spinning"):
        options.add_session_config_entry(spinning, "0")
