"""The recipes that MusiScene knows.

audiocraft (Meta, MIT; weights CC-BY-NC-4.0) pins torch 2.1 and numpy 1, so it cannot live beside
the daemon. Its style and JASCO models are newer than its last release on the package index, so the
source of one commit, 1.4.0a2, is installed. Versions follow that commit's requirements.txt, but for
av 12, the first with wheels; what they need besides was resolved for Python 3.10 on Linux.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from musiscene_core.environments.recipe import Recipe

AUDIOCRAFT_ENGINES = ("audiocraft-style", "jasco", "magnet")
_COMMIT = "896ec7c47f5e5d1e5aa1e4b260c4405328bf009d"
_SOURCE = f"https://github.com/facebookresearch/audiocraft/archive/{_COMMIT}.zip"
_ON_LINUX = "; sys_platform == 'linux' and platform_machine == 'x86_64'"
_LIBRARIES = (
    "setuptools==69.5.1",
    "wheel==0.48.0",
    "annotated-doc==0.0.6",
    "annotated-types==0.8.0",
    "audioread==3.1.0",
    "av==12.3.0",
    "blis==0.7.11",
    "catalogue==2.0.10",
    "certifi==2026.10.19.post1",
    "cffi==2.1.1",
    "charset-normalizer==3.5.3",
    "cloudpathlib==0.26.0",
    "cloudpickle==3.1.3",
    "colorlog==6.12.0",
    "confection==0.1.5",
    "cymem==2.0.16",
    "decorator==5.3.1",
    "einops==0.8.2",
    "filelock==4.1.0",
    "fsspec==2026.9.0",
    "hf-xet==1.8.0",
    "huggingface_hub==0.36.2",
    "idna==3.20",
    "Jinja2==3.1.6",
    "joblib==1.6.0",
    "lameenc==1.9.0",
    "langcodes==3.5.1",
    "lazy-loader==0.6",
    "librosa==0.10.2.post1",
    "llvmlite==0.50.0",
    "markdown-it-py==4.3.0",
    "MarkupSafe==3.0.4",
    "mdurl==0.1.2",
    "mpmath==1.3.0",
    "msgpack==1.2.4",
    "murmurhash==1.0.16",
    "networkx==3.2.1",
    "num2words==0.5.6",
    "numba==0.68.1",
    "numpy==1.26.4",
    "packaging==26.4",
    "platformdirs==4.12.4",
    "pooch==1.9.0",
    "preshed==3.0.15",
    "protobuf==4.25.3",
    "pycparser==3.11",
    "pydantic==2.14.4",
    "pydantic_core==2.50.5",
    "Pygments==2.21.0",
    "PyYAML==6.0.4",
    "regex==2026.9.29",
    "requests==2.34.2",
    "rich==15.0.0",
    "safetensors==0.8.0",
    "scikit-learn==1.7.2",
    "scipy==1.13.1",
    "sentencepiece==0.2.3",
    "shellingham==1.5.4",
    "smart_open==7.7.1",
    "soundfile==0.14.0",
    "soxr==1.1.0",
    "spacy-legacy==3.0.12",
    "spacy-loggers==1.0.5",
    "spacy==3.7.6",
    "srsly==2.5.6",
    "sympy==1.12",
    "thinc==8.2.5",
    "threadpoolctl==3.8.0",
    "tokenizers==0.19.1",
    "tqdm==4.70.1",
    "transformers==4.41.2",
    "typer==0.29.1",
    "typing-inspection==0.4.5",
    "typing_extensions==4.16.0",
    "urllib3==2.8.0",
    "wasabi==1.1.3",
    "weasel==0.4.3",
    "wrapt==2.5.2",
)
_TORCH = (
    "nvidia-cublas-cu12==12.1.3.1" + _ON_LINUX,
    "nvidia-cuda-cupti-cu12==12.1.105" + _ON_LINUX,
    "nvidia-cuda-nvrtc-cu12==12.1.105" + _ON_LINUX,
    "nvidia-cuda-runtime-cu12==12.1.105" + _ON_LINUX,
    "nvidia-cudnn-cu12==8.9.2.26" + _ON_LINUX,
    "nvidia-cufft-cu12==11.0.2.54" + _ON_LINUX,
    "nvidia-curand-cu12==10.3.2.106" + _ON_LINUX,
    "nvidia-cusolver-cu12==11.4.5.107" + _ON_LINUX,
    "nvidia-cusparse-cu12==12.1.0.106" + _ON_LINUX,
    "nvidia-nccl-cu12==2.18.1" + _ON_LINUX,
    "nvidia-nvjitlink-cu12==12.1.105" + _ON_LINUX,
    "nvidia-nvtx-cu12==12.1.105" + _ON_LINUX,
    "triton==2.1.0" + _ON_LINUX,
    "torch==2.1.0",
    "torchaudio==2.1.0",
)
_ON_TORCH = (
    "antlr4-python3-runtime==4.9.3",
    "omegaconf==2.3.0",
    "hydra-core==1.3.2",
    "hydra-colorlog==1.2.0",
    "treetable==0.2.6",
    "retrying==1.4.2",
    "submitit==1.5.4",
    "julius==0.2.7",
    "dora-search==0.1.12",
    "openunmix==1.3.0",
    "demucs==4.0.1",
    "flashy==0.0.2",
    "encodec==0.1.1",
    "lightning-utilities==0.15.3",
    "torchmetrics==1.4.3",
    "torchdiffeq==0.2.5",
    "xformers==0.0.22.post7" + _ON_LINUX,
    f"audiocraft @ {_SOURCE}",
)
AUDIOCRAFT = Recipe(
    name="audiocraft",
    title="MusicGen-Style, JASCO and MAGNeT by audiocraft",
    pythons=(10,),
    requirements=(*_LIBRARIES, *_TORCH, *_ON_TORCH),
    imports=("torch", "torchaudio", "audiocraft.models"),
    disk_bytes=9_000_000_000,
    licence=(
        "audiocraft is MIT; the weights of its models are CC-BY-NC-4.0: what they make is not for"
        " commercial use."
    ),
    engines=AUDIOCRAFT_ENGINES,
)

RECIPES: Mapping[str, Recipe] = MappingProxyType({AUDIOCRAFT.name: AUDIOCRAFT})
"""By name."""
