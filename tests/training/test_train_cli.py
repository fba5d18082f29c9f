"""The `musiscene-train` command, from the outside."""

from __future__ import annotations

import subprocess
import sys

import pytest

from musiscene_training.cli import main

NAMED = ["--llama", "llama", "--mert", "mert", "--checkpoint", "x.pth", "--output", "new"]


def test_without_the_models_it_says_how_to_get_them():
    code = (
        "import sys\n"
        "sys.modules['torch'] = None\n"
        "from musiscene_training.cli import main\n"
        f"sys.exit(main(['convert', *{NAMED!r}]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 2
    assert "needs the package torch" in done.stderr
    assert "musiscene[models]" in done.stderr


@pytest.mark.parametrize("arguments", [[], ["convert"], ["convert", *NAMED, "--query-len", "0"]])
def test_bad_arguments_end_with_2(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "usage: musiscene-train" in capsys.readouterr().err


@pytest.mark.models
def test_convert_writes_a_captioner_once_and_never_over_anything(tmp_path, capsys):
    for needed in ("torch", "transformers", "peft"):
        pytest.importorskip(needed, reason="the extra 'models' is not installed")
    from tests.support import tiny_captioner

    tiny = tiny_captioner.make(tmp_path, phase="finetune")
    arguments = ["convert", "--llama", str(tiny.llama), "--mert", str(tiny.encoder)]
    arguments += ["--checkpoint", str(tiny.checkpoint), "--output", str(tmp_path / "captioner")]
    assert main(arguments) == 0
    assert "over 2 layers, LoRA of rank 4" in capsys.readouterr().out
    written = sorted(path.name for path in (tmp_path / "captioner").iterdir())
    assert written == ["adapter.safetensors", "base", "encoder", "manifest.json"]
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert "exists already" in said
    assert "Choose another folder." in said


@pytest.mark.models
def test_a_missing_original_is_named_with_what_to_do(tmp_path, capsys):
    pytest.importorskip("torch", reason="the extra 'models' is not installed")
    arguments = ["convert", *NAMED, "--llama", str(tmp_path), "--output", str(tmp_path / "new")]
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert "params.json" in said
    assert "consolidated.00.pth" in said
    assert not (tmp_path / "new").exists()
