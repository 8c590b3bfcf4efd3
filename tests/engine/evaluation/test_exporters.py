"""Sets as CVAT, Label Studio, Roboflow, LabelImg and FiftyOne lay them out and write them."""

from __future__ import annotations

import json
import unicodedata

import piexif
import pytest

from engine.category import DETECTABLE
from engine.errors import InvalidDataset
from engine.evaluation.data.datasets import read_dataset
from engine.geometry import Size
from tests.engine.evaluation.labelled_sets import coco, cvat, cvat_box, paint, voc

FACE, TATTOO, JEWELRY = DETECTABLE
ALL = set(DETECTABLE)
BOX = (8, 4, 24, 20)
ONE = {"a.png": [("face", BOX)]}
YOLO_LINE = "0 0.25 0.375 0.25 0.5\n"
"""`BOX` of a picture of 64 x 32."""
COMPOSED = unicodedata.normalize("NFC", "fünf é.png")
DECOMPOSED = unicodedata.normalize("NFD", COMPOSED)


def write(file, content):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return file


def boxes(dataset):
    return {
        picture.name: [one.box.corners for one in picture.labels] for picture in dataset.pictures
    }


class TestLayouts:
    @pytest.mark.parametrize(
        ("labels", "pictures"),
        [
            pytest.param("annotations/instances_default.json", "images/default", id="CVAT task"),
            pytest.param("annotations/instances_Train.json", "images/Train", id="CVAT subset"),
            pytest.param("annotations/instances_val2017.json", "val2017", id="COCO itself"),
            pytest.param("test/_annotations.coco.json", "test", id="Roboflow"),
            pytest.param("train/_annotations.coco.json", "train", id="Roboflow, train only"),
            pytest.param("labels.json", "data", id="FiftyOne"),
            pytest.param("result.json", "images", id="Label Studio"),
        ],
    )
    def test_the_pictures_of_a_coco_export_are_found(self, tmp_path, labels, pictures):
        file = write(tmp_path / labels, coco(ONE))
        paint(tmp_path / pictures / "a.png")

        for where in (tmp_path, file):
            assert boxes(read_dataset(where)) == {"a.png": [BOX]}

    def test_roboflow_s_test_pictures_are_read_before_the_others(self, tmp_path):
        for split in ("train", "valid", "test"):
            write(tmp_path / split / "_annotations.coco.json", coco({f"{split}.png": []}))
            paint(tmp_path / split / f"{split}.png")

        assert list(boxes(read_dataset(tmp_path))) == ["test.png"]

    def test_roboflow_s_pascal_voc_lies_in_a_folder_for_each_split(self, tmp_path):
        for split in ("train", "test"):
            write(tmp_path / split / "a.xml", voc("a.png", [("face", BOX)]))
            paint(tmp_path / split / "a.png")

        (picture,) = read_dataset(tmp_path).pictures

        assert picture.path == tmp_path / "test" / "a.png"

    def test_a_subset_s_own_picture_is_taken_before_another_of_its_name(self, tmp_path):
        file = write(tmp_path / "annotations" / "instances_Train.json", coco(ONE))
        paint(tmp_path / "images" / "a.png")
        paint(tmp_path / "images" / "Train" / "a.png")

        for images in (None, tmp_path / "images"):
            (picture,) = read_dataset(file, images).pictures
            assert picture.path.parent.name == "Train"

    @pytest.mark.parametrize("images", [None, "images"])
    def test_two_subsets_of_a_cvat_project_may_have_pictures_of_one_name(self, tmp_path, images):
        whole = cvat({"a.png": [cvat_box("face", BOX)]})
        image = whole[whole.index("<image") : whole.index("</annotations>")]
        both = "".join(
            image.replace("<image", f'<image subset="{subset}"') for subset in ("Train", "Val")
        )
        write(tmp_path / "annotations.xml", whole.replace(image, both))
        for subset in ("Train", "Val"):
            paint(tmp_path / "images" / subset / "a.png")

        dataset = read_dataset(tmp_path, images and tmp_path / images)

        assert dataset.problems == ()
        assert boxes(dataset) == {"Train/a.png": [BOX], "Val/a.png": [BOX]}

    def test_a_json_file_that_is_no_coco_file_hides_no_other_set(self, tmp_path):
        write(tmp_path / "notes.json", {"categories": [], "info": {"contributor": "Label Studio"}})
        write(tmp_path / "classes.txt", "face\ntattoo\n")
        write(tmp_path / "labels" / "a.txt", YOLO_LINE)
        paint(tmp_path / "images" / "a.png")

        assert boxes(read_dataset(tmp_path)) == {"images/a.png": [BOX]}

    def test_a_json_file_alone_hears_what_it_lacks(self, tmp_path):
        write(tmp_path / "notes.json", {"categories": []})

        with pytest.raises(InvalidDataset, match=r"notes\.json is not a COCO data set"):
            read_dataset(tmp_path)

    @pytest.mark.parametrize("named", [False, True])
    def test_labelimg_puts_all_into_one_folder(self, tmp_path, named):
        where = write(tmp_path / "classes.txt", "face\n\ntattoo\n")
        write(tmp_path / "a.txt", YOLO_LINE + YOLO_LINE.replace("0 ", "2 ", 1))
        paint(tmp_path / "a.png")

        dataset = read_dataset(where if named else tmp_path)

        assert boxes(dataset) == {"a.png": [BOX, BOX]}
        assert dataset.pictures[0].labelled_for == {FACE, TATTOO}
        assert dataset.problems == ()

    def test_an_empty_split_of_yolo_is_passed_over(self, tmp_path):
        write(tmp_path / "data.yaml", "test: test/images\nval: val/images\nnames: [face]\n")
        (tmp_path / "test" / "images").mkdir(parents=True)
        write(tmp_path / "val" / "labels" / "a.txt", YOLO_LINE)
        paint(tmp_path / "val" / "images" / "a.png")

        assert boxes(read_dataset(tmp_path)) == {"val/images/a.png": [BOX]}


class TestNames:
    @pytest.mark.parametrize("name", ["images\\a.png", ".\\images\\a.png"])
    def test_a_backslash_is_between_folders(self, tmp_path, name):
        paint(tmp_path / "images" / "a.png")
        file = write(tmp_path / "result.json", coco({name: [("face", BOX)]}))

        assert boxes(read_dataset(file)) == {name: [BOX]}

    def test_a_backslash_is_between_folders_in_pascal_voc(self, tmp_path):
        paint(tmp_path / "in" / "a.png")
        write(tmp_path / "a.xml", voc("in\\a.png", [("face", BOX)]))

        assert boxes(read_dataset(tmp_path)) == {"in\\a.png": [BOX]}

    def test_a_backslash_is_between_folders_in_yolo(self, tmp_path):
        paint(tmp_path / "images" / "t" / "a.png")
        write(tmp_path / "labels" / "t" / "a.txt", YOLO_LINE)
        write(tmp_path / "t.txt", ".\\images\\t\\a.png\r\n")
        for part in ("images\\t", "t.txt"):
            write(tmp_path / "data.yaml", f"test: {part}\nnames: [face]\n")
            assert boxes(read_dataset(tmp_path)) == {"images/t/a.png": [BOX]}

    @pytest.mark.parametrize(
        ("written", "there"),
        [(COMPOSED, DECOMPOSED), (DECOMPOSED, COMPOSED)],
        ids=["decomposed on disk", "composed on disk"],
    )
    @pytest.mark.parametrize("kind", ["coco", "voc", "cvat", "yolo", "yolo list"])
    def test_composed_and_decomposed_letters_are_the_same(self, tmp_path, kind, written, there):
        paint(tmp_path / "images" / there)
        if kind == "coco":
            write(tmp_path / "labels.json", coco({written: [("face", BOX)]}))
        elif kind == "voc":
            write(tmp_path / "Annotations" / "a.xml", voc(written, [("face", BOX)]))
        elif kind == "cvat":
            write(tmp_path / "annotations.xml", cvat({written: [cvat_box("face", BOX)]}))
        else:
            named = "list.txt" if kind == "yolo list" else "images"
            write(tmp_path / "list.txt", f"images/{written}\n")
            write(tmp_path / "data.yaml", f"test: {named}\nnames: [face]\n")
            write(tmp_path / "labels" / written.replace(".png", ".txt"), YOLO_LINE)

        dataset = read_dataset(tmp_path)

        assert dataset.problems == ()
        assert [one.box.corners for one in dataset.pictures[0].labels] == [BOX]


class TestStrayYoloLabels:
    def write(self, folder):
        write(folder / "data.yaml", "test: images\nnames: [face, tattoo]\n")
        paint(folder / "images" / "a.png")
        paint(folder / "images" / "b.png")
        write(folder / "labels" / "a.txt", YOLO_LINE)
        return folder

    def test_labels_without_a_picture_are_told_and_pictures_without_labels_not_complete(
        self, tmp_path
    ):
        write(self.write(tmp_path) / "labels" / "B2.txt", YOLO_LINE)

        dataset = read_dataset(tmp_path)

        (problem,) = dataset.problems
        assert problem.file == "labels/B2.txt"
        assert "no picture" in problem.text
        labelled, silent = dataset.pictures
        assert (labelled.labelled_for, labelled.partial_for) == ({FACE, TATTOO}, set())
        assert (silent.labelled_for, silent.partial_for) == ({TATTOO}, {FACE})
        assert dataset.lost == {FACE: 1}

    @pytest.mark.parametrize("content", ["face\ntattoo\n", "Exported by somebody.\n", "", "3\n"])
    def test_other_texts_are_no_labels(self, tmp_path, content):
        write(self.write(tmp_path) / "labels" / "classes.txt", content)

        assert read_dataset(tmp_path).problems == ()


class TestTurnedBoxes:
    @pytest.mark.parametrize(
        ("degrees", "corners"),
        [
            (0, (10, 12, 30, 20)),
            (90, (16, 6, 24, 26)),
            (180, (10, 12, 30, 20)),
            (270, (16, 6, 24, 26)),
            ("90.0", (16, 6, 24, 26)),
            ("left", (10, 12, 30, 20)),
            (None, (10, 12, 30, 20)),
            (True, (10, 12, 30, 20)),
        ],
    )
    def test_cvat_s_rotation_counts_in_coco(self, tmp_path, degrees, corners):
        description = coco({"a.png": [("face", (10, 12, 30, 20))]})
        description["annotations"][0]["attributes"] = {"occluded": False, "rotation": degrees}
        paint(tmp_path / "a.png")
        write(tmp_path / "labels.json", description)

        assert boxes(read_dataset(tmp_path)) == {"a.png": [corners]}

    def test_every_format_turns_a_box_alike(self, tmp_path):
        box, said = ("face", (10, 12, 30, 20)), "33.5"
        description = coco({"a.png": [box]})
        description["annotations"][0]["attributes"] = {"rotation": float(said)}
        attribute = f"<attribute><name>rotation</name><value>{said}</value></attribute>"
        extra = f"<attributes>{attribute}</attributes>\n"
        for kind in ("coco", "voc", "cvat"):
            paint(tmp_path / kind / "a.png")
        write(tmp_path / "coco" / "labels.json", description)
        write(tmp_path / "voc" / "a.xml", voc("a.png", [box], extra))
        shape = cvat_box(*box, rotation=said)
        write(tmp_path / "cvat" / "annotations.xml", cvat({"a.png": [shape]}))

        ours = [boxes(read_dataset(tmp_path / kind)) for kind in ("coco", "voc", "cvat")]

        assert ours[0] == ours[1] == ours[2] != {"a.png": [box[1]]}


class TestMasks:
    def test_a_mask_with_iscrowd_is_a_label_and_is_said_to_be(self, tmp_path):
        description = coco()
        for entry in description["annotations"]:
            entry |= {"iscrowd": 1, "segmentation": {"counts": [0, 9], "size": [32, 64]}}
        for name in ("a.png", "b.png", "c.png"):
            paint(tmp_path / name)
        write(tmp_path / "labels.json", description)

        dataset = read_dataset(tmp_path)

        (problem,) = dataset.problems
        assert "Masks with iscrowd, of which this is the first: 3." in problem.text
        assert not any(one.is_ignored for picture in dataset.pictures for one in picture.labels)
        assert all(picture.labelled_for == ALL for picture in dataset.pictures)

    @pytest.mark.parametrize(
        "members",
        [{"iscrowd": 1}, {"iscrowd": 1, "segmentation": []},
         {"iscrowd": 1, "ignore": 1, "segmentation": {"counts": "x", "size": [1, 1]}}],
        ids=["a box", "no mask", "a mask to ignore"],
    )  # fmt: skip
    def test_other_crowds_count_neither_way(self, tmp_path, members):
        description = coco(ONE)
        description["annotations"][0] |= members
        paint(tmp_path / "a.png")
        write(tmp_path / "labels.json", description)

        dataset = read_dataset(tmp_path)

        assert dataset.problems == ()
        assert dataset.pictures[0].labels[0].is_ignored


def turned(path, orientation=6):
    """A picture of 64 x 32 pixels that viewers show as 32 x 64."""
    paint(path, exif=piexif.dump({"0th": {piexif.ImageIFD.Orientation: orientation}}))


class TestOrientation:
    """Boxes are drawn on what a browser shows; sizes are often those of the file."""

    UPRIGHT_ONLY = (8, 40, 24, 60)
    STORED_ONLY = (40, 8, 60, 24)

    def read(self, folder, pictures, **members):
        write(folder / "labels.json", coco(pictures) | members)
        return read_dataset(folder)

    @pytest.mark.parametrize("orientation", [5, 6, 7, 8])
    def test_label_studio_is_known_to_draw_upright(self, tmp_path, orientation):
        turned(tmp_path / "a.jpg", orientation)
        info = {"contributor": "Label Studio", "year": 2026}

        dataset = self.read(tmp_path, {"a.jpg": [("face", BOX)]}, info=info)

        assert dataset.pictures[0].size == Size(32, 64)
        (problem,) = dataset.problems
        assert "drawn on the upright picture" in problem.text

    def test_a_box_that_fits_the_upright_picture_alone_speaks_for_all(self, tmp_path):
        for name in ("a.jpg", "b.jpg"):
            turned(tmp_path / name)
        drawn = {"a.jpg": [("face", self.UPRIGHT_ONLY)], "b.jpg": [("face", BOX)]}

        dataset = self.read(tmp_path, drawn)

        assert [picture.size for picture in dataset.pictures] == [Size(32, 64)] * 2
        assert boxes(dataset) == {"a.jpg": [self.UPRIGHT_ONLY], "b.jpg": [BOX]}
        assert "is the first: 2." in dataset.problems[0].text

    def test_a_box_that_fits_the_stored_picture_alone_speaks_for_its_own(self, tmp_path):
        for name in ("a.jpg", "b.jpg"):
            turned(tmp_path / name)
        drawn = {"a.jpg": [("face", self.UPRIGHT_ONLY)], "b.jpg": [("face", self.STORED_ONLY)]}

        dataset = self.read(tmp_path, drawn)

        assert [picture.size for picture in dataset.pictures] == [Size(32, 64), Size(64, 32)]

    def test_without_a_word_sizes_are_believed(self, tmp_path):
        turned(tmp_path / "a.jpg")

        dataset = self.read(tmp_path, {"a.jpg": [("face", BOX)]})

        assert dataset.pictures[0].size == Size(64, 32)
        assert dataset.problems == ()

    def test_a_box_outside_of_a_picture_that_is_not_turned_is_outside(self, tmp_path):
        paint(tmp_path / "a.jpg")

        dataset = self.read(tmp_path, {"a.jpg": [("face", self.UPRIGHT_ONLY)]})

        assert dataset.pictures[0].labels == ()
        assert "outside the picture" in dataset.problems[0].text
