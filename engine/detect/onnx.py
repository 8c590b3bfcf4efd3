"""Sessions for networks in ONNX files."""

from __future__ import annotations

import onnxruntime as ort


def session_of(data: bytes) -> ort.InferenceSession:
    """A session over a network in memory."""
    return ort.InferenceSession(data, one_thread(), providers=["CPUExecutionProvider"])


def one_thread() -> ort.SessionOptions:
    """Options for one thread: there is one worker per core.

    Spinning is off because idle threads that spin made two workers five times slower than one.
    """
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    return options
