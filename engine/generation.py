"""Was a JPEG saved before?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def looks_saved_twice(rgb: NDArray[np.uint8], luma_table: tuple[int, ...]) -> bool:
    """Not yet told apart: False."""
    return False
