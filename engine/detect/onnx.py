"""Sessions for networks in ONNX files.

onnxruntime, 19 MB, is imported with the first of them: the app tells of models without running any.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import numpy as np
from onnx import TensorProto, helper

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
    Where a processor has no VNNI, products of int8 weights are summed as those of uint8 ones, which
    do not saturate.
    """
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.enable_mem_pattern = False
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.use_env_allocators", "1")
    options.add_session_config_entry("session.x64quantprecision", "1")
    options.log_severity_level = 3
    return options


def shrink_arena() -> None:
    """Give back what activations took: the arena keeps the most that any picture needed.

    onnxruntime does so at the end of a run that asks for it, of whichever session that shares the
    arena. A picture that comes afterwards takes it anew, which costs it a tenth of a second.
    """
    import onnxruntime as ort

    options = ort.RunOptions()
    options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
    _identity().run(None, {"x": np.zeros(1, np.float32)}, options)


@functools.cache
def _identity() -> ort.InferenceSession:
    """A network that computes nothing."""
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "xy")
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "identity", [x], [y])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return session_of(model.SerializeToString())


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
