"""Sessions for networks in ONNX files.

onnxruntime, 19 MB, is imported with the first of them: the app tells of models without running any.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnxruntime as ort


def session_of(data: bytes) -> ort.InferenceSession:
    """A session over a network in memory."""
    import onnxruntime as ort

    _share_arena()
    return ort.InferenceSession(data, one_thread(), providers=["CPUExecutionProvider"])


def one_thread() -> ort.SessionOptions:
    """Options for one thread: there is one worker per core.

    Spinning is off because idle threads that spin made two workers five times slower than one.
    Memory patterns are off because each new size of picture would add a block that is never freed.
    """
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.enable_mem_pattern = False
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.use_env_allocators", "1")
    options.log_severity_level = 3
    return options


@functools.cache
def _share_arena() -> None:
    """Let the sessions of this process, which run one after another, share one arena.

    With an arena each, a worker held the largest picture's activations once per network.
    """
    import onnxruntime as ort

    memory = ort.OrtMemoryInfo(
        "Cpu", ort.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, ort.OrtMemType.DEFAULT
    )
    ort.create_and_register_allocator(memory, ort.OrtArenaCfg({}))
