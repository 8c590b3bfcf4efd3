import numpy as np
import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "lethe",
    deadline=None,  # the machine decides how long a case takes, and no test asserts a time
    derandomize=True,
    database=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("lethe")


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20261122)
