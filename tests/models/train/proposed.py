"""Made-up proposals and judged pictures, and coefficients that take scores at their word."""

from __future__ import annotations

from engine.category import DETECTABLE
from engine.detect.clusters import Cluster
from engine.detect.score_fusion import Features, FittedFusion
from engine.detect.weights import Weights
from engine.geometry import Box, Size
from engine.plan import Detection
from models.train.calibration.fusing import likelihood
from models.train.calibration.matching import Proposal, Proposals
from tests.engine.evaluation.made import FACE, label, labelled, masked

AT_ITS_WORD = likelihood(
    FittedFusion(Weights("fusion", "0" * 64, "MIT", frozenset(DETECTABLE), b""), None)
)
"""No category is fitted, so a thing is as likely as its surest score says."""


SIZE = Size(1000, 1000)
"""Of every judged picture."""


def corners(place):
    """Boxes that lie apart, so that nothing hides more than its own label."""
    column, row = place % 8, place // 8
    return (100 * column, 100 * row, 100 * column + 40, 100 * row + 40)


def sighted(box, *scores, category=FACE, detector="one@0"):
    """A thing seen with these scores, the surest first."""
    seen = [Detection(Box(*box), category, score, detector) for score in scores]
    return Cluster(tuple(sorted(seen, key=lambda one: -one.score)), Box(*box))


def proposal(box, *scores, is_true=True, category=FACE, features=None, detector="one@0"):
    """What the detectors proposed, with its mask no larger than itself."""
    cluster = sighted(box, *scores, category=category, detector=detector)
    return Proposal(cluster, features or Features(), masked(box, category, score=None), is_true)


def proposals_of(name, seen=(), false=(), *, unseen=0, category=FACE, group="", **picture):
    """A picture whose labels were seen with these scores or not at all, with false proposals."""
    places = len(seen) + unseen
    labels = [label(corners(place), category) for place in range(places)]
    own = [proposal(corners(at), score, category=category) for at, score in enumerate(seen)]
    own += [
        proposal(corners(places + at), score, category=category, is_true=False)
        for at, score in enumerate(false)
    ]
    return Proposals(labelled(*labels, name=name, group=group, **picture), tuple(own), SIZE)


class AtOnce:
    """Applies a function in this process, and remembers to what pictures."""

    looked: tuple[str, ...] = ()

    @staticmethod
    def mapped(look, waiting, *, workers, start):
        del workers, start
        for one in waiting:
            AtOnce.looked = (*AtOnce.looked, one[0])
            yield look(one)
