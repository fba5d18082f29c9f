"""Models that look at frames: tiny ones of the real architectures, against transformers' own."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra 'models' is not installed")
transformers = pytest.importorskip("transformers", reason="the extra 'models' is not installed")

from musiscene_core.brief import DIMENSIONS  # noqa: E402
from musiscene_core.errors import CancelledError, EngineError  # noqa: E402
from musiscene_core.spotting.vision.describing import MAX_WORDS, QUESTION, Describer  # noqa: E402
from musiscene_core.spotting.vision.folders import look_into  # noqa: E402
from musiscene_core.spotting.vision.judging import (  # noqa: E402
    SENTENCES,
    TEMPERATURE,
    WORDS,
    Judge,
)
from musiscene_core.spotting.vision.loading import quiet  # noqa: E402
from tests.support.make_picture import texture  # noqa: E402
from tests.support.tiny_vision import IMAGE, tiny_blip, tiny_clip, tiny_qwen, tiny_smol  # noqa: E402

pytestmark = pytest.mark.models
IMAGES = [texture(seed) for seed in range(3)]


@pytest.fixture(autouse=True)
def hushed() -> Iterator[None]:
    with quiet():
        yield


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("vision")
    with quiet():
        return {
            "clip": tiny_clip(root / "clip"),
            "blip": tiny_blip(root / "blip"),
            "qwen": tiny_qwen(root / "qwen"),
            "smol": tiny_smol(root / "smol"),
        }


def test_blip_says_what_transformers_says_one_by_one(folders: dict[str, Path]) -> None:
    described = Describer(look_into(folders["blip"], "vision")).describe(IMAGES, batch=2)

    model = transformers.Blip2ForConditionalGeneration.from_pretrained(folders["blip"]).eval()
    processor = transformers.AutoProcessor.from_pretrained(folders["blip"])
    for image, text in zip(IMAGES, described, strict=True):
        inputs = processor(images=image, return_tensors="pt")
        with torch.inference_mode():
            ids = model.generate(**inputs, do_sample=False, max_new_tokens=MAX_WORDS)
        assert text == " ".join(processor.decode(ids[0], skip_special_tokens=True).split())
    assert all(described)


def test_qwen_says_what_transformers_says_one_by_one(folders: dict[str, Path]) -> None:
    described = Describer(look_into(folders["qwen"], "vision")).describe(IMAGES, batch=2)

    model = transformers.AutoModelForImageTextToText.from_pretrained(folders["qwen"]).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folders["qwen"])
    looking = transformers.AutoImageProcessor.from_pretrained(folders["qwen"], backend="pil")
    for image, text in zip(IMAGES, described, strict=True):
        seen = looking(images=[image], return_tensors="pt")
        patches = int(seen["image_grid_thw"].prod()) // 4
        asked = f"user : <|vision_start|>{IMAGE * patches}<|vision_end|>{QUESTION} assistant : "
        words = tokenizer(asked, return_tensors="pt", add_special_tokens=False)
        places = (words.input_ids == tokenizer.convert_tokens_to_ids(IMAGE)).int()
        assert int(places.sum()) == patches
        with torch.inference_mode():
            ids = model.generate(
                input_ids=words.input_ids,
                attention_mask=words.attention_mask,
                mm_token_type_ids=places,
                **seen,
                do_sample=False,
                max_new_tokens=MAX_WORDS,
            )
        answer = tokenizer.decode(ids[0, words.input_ids.shape[1] :], skip_special_tokens=True)
        assert text == " ".join(answer.split())
    assert all(described)


def test_smol_says_what_transformers_says_one_by_one(folders: dict[str, Path]) -> None:
    from transformers.models.smolvlm.processing_smolvlm import get_image_prompt_string

    described = Describer(look_into(folders["smol"], "vision")).describe(IMAGES, batch=2)

    model = transformers.SmolVLMForConditionalGeneration.from_pretrained(folders["smol"]).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folders["smol"])
    looking = transformers.AutoImageProcessor.from_pretrained(folders["smol"], backend="pil")
    patches = model.model.image_seq_len
    shown = get_image_prompt_string(
        0, 0, patches, "<fake_token_around_image>", "<image>", "<global-img>"
    )
    asked = f"user : {shown}{QUESTION}<end_of_utterance> assistant : "
    words = tokenizer(asked, return_tensors="pt")
    assert int((words.input_ids == model.config.image_token_id).sum()) == patches
    for image, text in zip(IMAGES, described, strict=True):
        seen = looking(images=[[image]], do_image_splitting=False, return_tensors="pt")
        with torch.inference_mode():
            ids = model.generate(
                input_ids=words.input_ids,
                attention_mask=words.attention_mask,
                **seen,
                do_sample=False,
                max_new_tokens=MAX_WORDS,
            )
        answer = tokenizer.decode(ids[0, words.input_ids.shape[1] :], skip_special_tokens=True)
        assert text == " ".join(answer.split())
    assert len(set(described)) > 1


def test_a_model_that_nobody_can_ask_is_told(folders: dict[str, Path], tmp_path: Path) -> None:
    mute = tmp_path / "mute"
    shutil.copytree(folders["smol"], mute)
    (mute / "chat_template.json").write_text("[]")
    with pytest.raises(EngineError, match="no chat_template"):
        Describer(look_into(mute, "vision"))


@pytest.mark.slow
def test_clip_weighs_dimensions_as_its_own_forward_does(folders: dict[str, Path]) -> None:
    judged = Judge(look_into(folders["clip"], "emotion")).feelings(IMAGES, batch=2)

    model = transformers.CLIPModel.from_pretrained(folders["clip"]).eval()
    processor = transformers.AutoProcessor.from_pretrained(folders["clip"])
    directions = []
    for name in DIMENSIONS:
        rows = []
        for word in WORDS[name]:
            for sentence in SENTENCES:
                given = processor(
                    text=[sentence.format(word)], images=[IMAGES[0]], return_tensors="pt"
                )
                with torch.inference_mode():
                    rows.append(model(**given).text_embeds[0])
        mean = torch.stack(rows).mean(0)
        directions.append(mean / mean.norm())
    given = processor(text=["a"], images=IMAGES, return_tensors="pt")
    with torch.inference_mode():
        found = model(**given)
        alike = found.image_embeds @ torch.stack(directions).T
        wanted = torch.softmax(model.logit_scale.exp() * alike / TEMPERATURE, -1)
    np.testing.assert_allclose(judged, wanted.numpy(), atol=2e-4)
    assert np.allclose(np.sum(judged, axis=1), 1, atol=1e-3)


def test_describing_is_cancelled_within_a_word(folders: dict[str, Path]) -> None:
    describer = Describer(look_into(folders["qwen"], "vision"))
    calls = []

    def progress(stage: str, fraction: float) -> None:
        calls.append(fraction)
        if len(calls) == 3:
            raise CancelledError("enough")

    with pytest.raises(CancelledError):
        describer.describe(IMAGES, progress)
    assert len(calls) == 3
    assert all(0 <= fraction <= 1 for fraction in calls)


def test_a_folder_of_another_kind_is_refused_in_words(
    folders: dict[str, Path], tmp_path: Path
) -> None:
    with pytest.raises(EngineError, match="another kind: clip"):
        look_into(folders["clip"], "vision")
    with pytest.raises(EngineError, match="another kind: blip-2"):
        look_into(folders["blip"], "emotion")
    with pytest.raises(EngineError, match="holds no model"):
        look_into(tmp_path / "nowhere", "vision")
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "qwen3_vl"}))
    with pytest.raises(EngineError, match="no weights"):
        look_into(tmp_path, "vision")


def test_damaged_weights_are_told(folders: dict[str, Path], tmp_path: Path) -> None:
    damaged = tmp_path / "damaged"
    shutil.copytree(folders["clip"], damaged)
    weights = damaged / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:2000])
    with pytest.raises(EngineError, match="cannot be loaded"):
        Judge(look_into(damaged, "emotion"))


def test_new_weights_are_known_by_another_name(folders: dict[str, Path], tmp_path: Path) -> None:
    other = tiny_clip(tmp_path / "clip", seed=1)
    assert look_into(other, "emotion").known_by != look_into(folders["clip"], "emotion").known_by
