"""Detector registry: the shipped model files in, the loaded ensemble and release check out."""

from __future__ import annotations

from engine.detect.base import Detector
from engine.detect.centerface import CenterFace
from engine.detect.crop_classifier import CropClassifier
from engine.detect.ensemble import Ensemble
from engine.detect.release_check import YoloReleaseCheck
from engine.detect.scene_classifier import SceneClassifier
from engine.detect.score_fusion import FittedFusion
from engine.detect.scrfd import LocalDetectors
from engine.detect.tattoo_jewelry import TattooJewelry
from engine.detect.weights import load_weights
from engine.policy import Policy

NEEDED = ("centerface", "ranges", "adornments", "crops", "scene", "fusion", "witness")
"""Tables of `models/manifest.toml`."""


def verify(policy: Policy) -> None:
    """Check every model file that a policy needs, and load those of the user's own.

    Raises:
        UnusableWeights: one is missing, is not what its manifest says, or may not be used.
    """
    for name in NEEDED:
        load_weights(name)
    LocalDetectors()(policy)


def default_detectors() -> tuple[Detector, ...]:
    """The detectors alone, loaded."""
    centerface = CenterFace(load_weights("centerface"), load_weights("ranges"))
    return (centerface, TattooJewelry(load_weights("adornments")))


def crop_classifier() -> CropClassifier:
    """The crop classifier, loaded."""
    return CropClassifier(load_weights("crops"))


def scene_classifier() -> SceneClassifier:
    """The scene classifier, loaded."""
    return SceneClassifier(load_weights("scene"))


def default_ensemble() -> Ensemble:
    """Everything Lethe ships, loaded. Takes about a second; make it once per process."""
    fusion = FittedFusion(load_weights("fusion"), crop_classifier(), scene_classifier())
    return Ensemble(default_detectors(), fusion, LocalDetectors())


def default_release_check() -> YoloReleaseCheck:
    """The release check, loaded."""
    return YoloReleaseCheck(load_weights("witness"))
