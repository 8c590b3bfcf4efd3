"""YOLO training with federated labels: no background loss for unlabelled categories.

A picture labelled for tattoos alone may show faces that nobody boxed. Plain training would teach
that they are background. So the class loss of a category is weighted by `SILENCE` on pictures that
are not labelled completely for it, except where a box of it was drawn, and is 0 under boxes that
are marked as ignored. Pictures are mixed only with others labelled for the same categories.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from ultralytics.data.augment import Mosaic
from ultralytics.data.dataset import YOLODataset
from ultralytics.models.yolo.detect import DetectionTrainer
from ultralytics.nn.tasks import DetectionModel
from ultralytics.utils.instance import Instances
from ultralytics.utils.loss import v8DetectionLoss
from ultralytics.utils.tal import make_anchors
from ultralytics.utils.torch_utils import unwrap_model

from engine.category import DETECTABLE
from engine.runs.pool import default_workers
from models.train.detector.start import ARCHITECTURES, Architecture, new_model
from models.train.files import read_json

_CATEGORIES = len(DETECTABLE)
SILENCE = 0.1
"""Weight of background that is not known to be background: nearly all of it is. At 0 a network
learns to see jewelry in every aeroplane; at 1 it learns that unlabelled faces are none."""
TURNED = 0.3
"""Share of pictures that are shown turned by 90, 180 or 270 degrees."""


class MaskedLoss(nn.Module):
    """Binary cross-entropy by place and category, weighted where background is not known."""

    def __init__(self) -> None:
        super().__init__()
        self.background: torch.Tensor | None = None
        """(pictures, places, categories): weight, 0..1, of places that are on no box."""

    def forward(self, scores: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Losses of the shape of `scores`, which are logits; targets lie in 0..1."""
        loss = nn.functional.binary_cross_entropy_with_logits(scores, targets, reduction="none")
        if self.background is None:
            return loss
        return torch.where(targets > 0, loss, loss * self.background)


class FederatedLoss(v8DetectionLoss):
    """YOLOv8's loss, whose class part is masked by what each picture is labelled for."""

    def __init__(self, model: DetectionModel) -> None:
        super().__init__(model)
        self.bce = MaskedLoss()

    def loss(self, preds: dict[str, Any], batch: dict[str, Any]) -> Any:  # noqa: ANN401
        """The loss of a batch that brings `labelled`, (pictures, categories), beside its boxes.

        It is computed in float32, whatever the network was computed in.
        """
        self.bce.background = self._background(preds["feats"], batch)
        drawn = batch["cls"].view(-1) < _CATEGORIES
        boxes = {key: batch[key][drawn] for key in ("cls", "bboxes", "batch_idx")}
        exact = {key: preds[key].float() for key in ("boxes", "scores")}
        with torch.autocast(self.device.type, enabled=False):
            return super().loss({**preds, **exact}, {**batch, **boxes})

    def _background(self, features: list[torch.Tensor], batch: dict[str, Any]) -> torch.Tensor:
        points, strides = make_anchors(features, self.stride, 0.5)
        height, width = (side * self.stride[0] for side in features[0].shape[2:])
        places = points * strides / torch.stack((width, height)).to(points)
        unlabelled = ~batch["labelled"].to(self.device)
        ignored = batch["cls"].view(-1) >= _CATEGORIES
        boxes = batch["bboxes"][ignored].to(self.device)
        low = boxes[:, None, :2] - boxes[:, None, 2:] / 2
        high = low + boxes[:, None, 2:]
        under = ((places > low) & (places < high)).all(2)
        hits = torch.zeros(*unlabelled.shape, len(places), device=self.device)
        where = (
            batch["batch_idx"][ignored].long().to(self.device),
            (batch["cls"].view(-1)[ignored] - _CATEGORIES).long().to(self.device),
        )
        hits.index_put_(where, under.to(hits), accumulate=True)
        known = torch.where(unlabelled, SILENCE, 1.0)
        return known[:, None, :] * (hits == 0).transpose(1, 2)


def has_bf16() -> bool:
    """Whether the processor multiplies bfloat16 itself, so that it is faster than float32."""
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags


class SameKindMosaic(Mosaic):
    """Puts a picture together with others that are labelled for the same categories."""

    def __init__(self, dataset: FederatedDataset, imgsz: int, p: float) -> None:
        super().__init__(dataset, imgsz=imgsz, p=p)
        self.kinds: dict[tuple[bool, ...], list[int]] = {}
        for index, file in enumerate(dataset.im_files):
            self.kinds.setdefault(dataset.kind(file), []).append(index)
        self._kind: tuple[bool, ...] = ()

    def get_params(self, labels: dict[str, Any]) -> dict[str, Any]:
        """As ultralytics asks for it, remembering which picture the others are drawn for."""
        self._kind = self.dataset.kind(labels["im_file"])
        return dict(super().get_params(labels))

    def get_indexes(self) -> list[int]:
        """Three other pictures."""
        return random.choices(self.kinds[self._kind], k=self.n - 1)  # noqa: S311 - no secret


class RandomTurn:
    """Turns a square picture and its boxes by 90, 180 or 270 degrees, with a probability."""

    def __init__(self, p: float) -> None:
        self.p = p

    def __call__(self, labels: dict[str, Any]) -> dict[str, Any]:
        """A picture with its boxes, turned or as it was."""
        if random.random() < self.p:  # noqa: S311 - no secret
            return turned(labels, random.randint(1, 3))  # noqa: S311 - no secret
        return labels


def turned(labels: dict[str, Any], quarters: int) -> dict[str, Any]:
    """A picture, (H, W, 3), with its boxes, turned anticlockwise by quarters of a circle."""
    pixels, places = labels["img"], labels["instances"]
    places.convert_bbox("xyxy")
    places.denormalize(pixels.shape[1], pixels.shape[0])
    boxes = places.bboxes
    for _ in range(quarters):
        width = pixels.shape[1]
        pixels = np.rot90(pixels)
        boxes = np.stack(
            [boxes[:, 1], width - boxes[:, 2], boxes[:, 3], width - boxes[:, 0]], axis=1
        )
    instances = Instances(boxes, places.segments, bbox_format="xyxy", normalized=False)
    return {**labels, "img": np.ascontiguousarray(pixels), "instances": instances}


class FederatedDataset(YOLODataset):
    """Ultralytics' data set, which knows what each picture is labelled for."""

    def kind(self, file: str) -> tuple[bool, ...]:
        """For each category, whether the picture is labelled completely for it."""
        return tuple(self.data["labelled"][Path(file).name])

    def build_transforms(self, hyp: Any = None) -> Any:  # noqa: ANN401
        """Ultralytics' augmentation with our mosaic in the place of its own, and turns."""
        transforms = super().build_transforms(hyp)
        self._swap_mosaic(transforms)
        if self.augment:
            transforms.insert(1, RandomTurn(TURNED))
        return transforms

    def _swap_mosaic(self, composed: Any) -> None:  # noqa: ANN401
        parts: list[Any] = getattr(composed, "transforms", [])
        for index, part in enumerate(parts):
            if type(part) is Mosaic:
                parts[index] = SameKindMosaic(self, self.imgsz, part.p)
            else:
                self._swap_mosaic(part)


class FederatedTrainer(DetectionTrainer):
    """Ultralytics' trainer with the loss, the mosaic and the start above, and without validation.

    Measuring on training pictures says nothing; `python -m engine evaluate` measures on others.
    """

    start: dict[str, torch.Tensor] | None = None
    """Weights to begin with, unless a checkpoint is resumed."""
    architecture: Architecture = ARCHITECTURES["finder"]

    def __init__(self, *arguments: Any, **named: Any) -> None:  # noqa: ANN401
        super().__init__(*arguments, **named)
        self.best_fitness = 0.0  # keeps ultralytics from writing a `best.pt` that means nothing

    def _setup_train(self) -> None:
        """As ultralytics does; on a CPU with all its cores, in bfloat16 where it has that.

        A step then takes half the CPU time; the loss is computed in float32 all the same.
        """
        super()._setup_train()
        if self.device.type == "cpu":
            torch.set_num_threads(default_workers())  # ultralytics leaves one core out
            self.model.to(memory_format=torch.channels_last)  # in place
            self.amp = has_bf16()

    def get_dataset(self) -> dict[str, Any]:
        """The description, and what each picture is labelled for."""
        data = dict(super().get_dataset())
        data["labelled"] = read_json(Path(data["path"]) / "labelled.json")
        return data

    def build_dataset(
        self, img_path: str, mode: str = "train", batch: int | None = None
    ) -> FederatedDataset:
        """Pictures with their labels, augmented for training."""
        return FederatedDataset(
            img_path=img_path,
            imgsz=self.args.imgsz,
            batch_size=batch,
            augment=mode == "train",
            hyp=self.args,
            rect=False,
            cache="ram" if mode == "train" else None,
            single_cls=False,
            stride=max(int(unwrap_model(self.model).stride.max()), 32),
            pad=0.0 if mode == "train" else 0.5,
            prefix=f"{mode}: ",
            task="detect",
            classes=None,
            data=self.data,
            fraction=1.0,
        )

    def preprocess_batch(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Add `labelled` to a batch, (pictures, categories)."""
        prepared = dict(super().preprocess_batch(batch))
        kinds = [self.data["labelled"][Path(file).name] for file in prepared["im_file"]]
        prepared["labelled"] = torch.tensor(kinds, dtype=torch.bool, device=self.device)
        prepared["img"] = prepared["img"].contiguous(memory_format=torch.channels_last)
        return prepared

    def get_model(
        self, cfg: object = None, weights: nn.Module | None = None, verbose: bool = True
    ) -> DetectionModel:
        """A network with the weights of the checkpoint that is resumed, else with `start`."""
        del cfg, verbose
        state = self.start if weights is None else weights.float().state_dict()
        return new_model(self.architecture, state)

    def set_model_attributes(self) -> None:
        """The settings, and the loss, which reads some of them."""
        super().set_model_attributes()
        self.model.nc = _CATEGORIES  # the data has three classes more: ignored boxes
        self.model.names = dict(enumerate(map(str, DETECTABLE)))
        self.model.criterion = FederatedLoss(self.model)

    def validate(self) -> tuple[dict[str, Any], None]:
        """Nothing is measured."""
        return self.metrics, None

    def plan_learning(self) -> None:
        """Plan the learning rate for `epochs` again, standing where it stands."""
        self._setup_scheduler()
        self.scheduler.last_epoch = self.epoch

    def final_eval(self) -> None:
        """Nothing is measured at the end either."""

    def save_model(self) -> bool:
        """Write the checkpoint so that a stop leaves the old one or the new one, whole."""
        checkpoint: Path = self.wdir / "last.pt"
        self.last = self.wdir / ".last.partial"
        try:
            is_saved = bool(super().save_model())
            self.last.replace(checkpoint)
        finally:
            self.last = checkpoint
        return is_saved
