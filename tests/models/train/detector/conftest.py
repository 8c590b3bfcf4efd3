from tests.models.train.offline import bring_torch

bring_torch()
