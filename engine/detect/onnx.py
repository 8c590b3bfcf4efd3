"""Sessions for networks in ONNX files.

onnxruntime, 19 MB, is imported with the first of them: the app tells of models without running any.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper

if TYPE_CHECKING:
    import onnxruntime as ort

Constant: TypeAlias = np.generic | NDArray[Any]


def session_of(data: bytes) -> ort.InferenceSession:
    """A session over a network in memory."""
    import onnxruntime as ort

    _share_arena()
    options = one_thread()
    if _saturates():
        options.add_session_config_entry("session.x64quantprecision", "1")
    return ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])


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
def _saturates() -> bool:
    """Whether this processor adds pairs of int8 products in 16 bits, which eight bits overrun.

    x86 does without VNNI. With weights as uint8, onnxruntime adds exactly there too; where there is
    VNNI that would only take twice as long.
    """
    import onnxruntime as ort

    channels, most = 64, (255, 127)
    constants: dict[str, Constant] = {
        "weights": np.full((8, channels, 1, 1), most[1], np.int8),
        "one": np.float32(1),
        "scale": np.float32(channels * most[0] * most[1] / 200),
        "zero": np.uint8(0),
        "none": np.int8(0),
    }
    inputs = ["x", "one", "zero", "weights", "one", "none", "scale", "zero"]
    network = _network(helper.make_node("QLinearConv", inputs, ["y"]), TensorProto.UINT8, constants)
    session = ort.InferenceSession(network, one_thread(), providers=["CPUExecutionProvider"])
    (sums,) = session.run(None, {"x": np.full((1, channels, 8, 8), most[0], np.uint8)})
    return bool(sums.min() < 200)


@functools.cache
def _identity() -> ort.InferenceSession:
    """A network that computes nothing."""
    return session_of(_network(helper.make_node("Identity", ["x"], ["y"]), TensorProto.FLOAT, {}))


def _network(node: NodeProto, kind: int, constants: Mapping[str, Constant]) -> bytes:
    """An ONNX file of one node from x to y."""
    x, y = (helper.make_tensor_value_info(name, kind, None) for name in "xy")
    weights = [
        numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()
    ]
    graph = helper.make_graph([node], node.op_type, [x], [y], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return bytes(model.SerializeToString())


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
