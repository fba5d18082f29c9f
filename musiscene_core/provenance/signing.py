"""Signing a WAV file after C2PA with a certificate of the user's, and reading who signed one.

Works through c2pa-python, which is imported when it is needed (the extra `c2pa`). Nothing is
fetched from anywhere: no time stamps, no remote manifests, no lists of revoked certificates.
"""

from __future__ import annotations

import importlib.util
import json
import os
import uuid
from pathlib import Path
from typing import Any

from musiscene_core import __version__
from musiscene_core.errors import EngineError, InputError, OutputError, RequestError
from musiscene_core.provenance.explaining import explain
from musiscene_core.provenance.riff import is_wav, read_wav
from musiscene_core.provenance.statement import Statement

STATEMENT_LABEL = "org.musiscene.statement"
_SOURCES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
_RULES = ("composer",)
"""Engines that follow rules; others have learned."""
_MAX_PEM = 1 << 20
_CHUNK = b"C2PA"
_OFFLINE = {"verify": {"remote_manifest_fetch": False, "ocsp_fetch": False, "verify_trust": False}}


def sign(source: Path, target: Path, certificate: Path, key: Path, *, library: Path | None) -> None:
    """Write a signed copy of the WAV file at `source` to `target`; its samples stay as they are.

    Args:
        source: music of ours, as it was made.
        target: must not be there.
        certificate: PEM: the signer's, then those above it. C2PA asks for one made for signing
            (extended key usage), issued by another.
        key: PEM, not encrypted.
        library: the data folder whose ledger knows files that no longer speak for themselves.

    Raises:
        EngineError: c2pa-python is not installed.
        RequestError: the file was not made here, or was changed; or `target` is there.
        InputError: certificate or key cannot be used.
        MediaError: no WAV file.
        OutputError: it cannot be written.
    """
    c2pa = _library()
    found = explain(source, library)
    if found.statement is None or found.verdict not in ("as made", "unmarked"):
        raise RequestError(
            f"{source} is not music as MusiScene made it, so MusiScene does not sign that it is.",
            hint=f"`musiscene provenance {source}` says more.",
        )
    if target.exists():
        raise RequestError(f"{target} is there already.", hint="Choose another with --output.")
    chain, private = _pem(certificate), _pem(key)
    algorithm = _algorithm(private, key)
    about = c2pa.C2paSignerInfo(algorithm, chain.encode(), private.encode(), None)
    manifest = _manifest(found.statement, found.part, found.name)
    part = target.with_name(f".{target.name}.{uuid.uuid4().hex}.wav")
    try:
        signer = c2pa.Signer.from_info(about)
        with signer, c2pa.Builder.from_json(json.dumps(manifest)) as builder:
            builder.sign_file(str(source), str(part), signer)
        os.replace(part, target)
    except c2pa.C2paError as error:
        raise InputError(
            f"The file could not be signed: {str(error)[:300]}",
            hint="C2PA wants a certificate for signing (extended key usage emailProtection or "
            "documentSigning), issued by another, with the chain above it in the same file.",
        ) from error
    except OSError as error:
        raise OutputError.from_os(error, target) from error
    finally:
        part.unlink(missing_ok=True)


def signature_of(path: Path) -> str:
    """Who signed the file, and whether the signature holds, in a sentence; empty where nobody did.

    Raises:
        MediaError: no WAV file.
    """
    if not is_wav(path) or not read_wav(path).find(_CHUNK):
        return ""
    if importlib.util.find_spec("c2pa") is None:
        return "It is signed after C2PA; pip install 'musiscene[c2pa]' tells by whom."
    c2pa = _library()
    try:
        with (
            c2pa.Context.from_dict(_OFFLINE) as context,
            c2pa.Reader(str(path), context=context) as reader,
        ):
            told = json.loads(reader.json())
            state = str(reader.get_validation_state())
    except (c2pa.C2paError, OSError, ValueError) as error:
        return f"It bears a signature after C2PA that cannot be read: {str(error)[:200]}"
    made = told.get("manifests", {}).get(told.get("active_manifest"), {})
    signer = made.get("signature_info", {})
    who = signer.get("common_name") or signer.get("issuer") or "somebody unnamed"
    if state not in ("Valid", "Trusted"):
        return f"Signed after C2PA by {who}, but the signature does not hold."
    return (
        f"Signed after C2PA by {who}; the signature holds. Whether to trust them is yours to say."
    )


def _manifest(statement: Statement, part: str, name: str) -> dict[str, Any]:
    kind = "algorithmicMedia" if statement.engine in _RULES else "trainedAlgorithmicMedia"
    action = {
        "action": "c2pa.created",
        "digitalSourceType": _SOURCES + kind,
        "softwareAgent": {"name": statement.software},
    }
    return {
        "claim_generator_info": [{"name": "MusiScene", "version": __version__}],
        "title": f"{statement.cue} {statement.take}: {part}",
        "format": "audio/wav",
        "assertions": [
            {"label": "c2pa.actions.v2", "data": {"actions": [action]}},
            {"label": STATEMENT_LABEL, "data": {"name": name, "text": statement.text}},
        ],
    }


def _pem(path: Path) -> str:
    try:
        if path.stat().st_size > _MAX_PEM:
            raise InputError(f"{path} is too large to be a certificate or key.")
        text = path.read_bytes().decode("ascii")
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not in PEM form.", hint="Convert it with openssl.") from error
    return text


def _algorithm(text: str, path: Path) -> str:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(text.encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise InputError(
            f"{path} holds no private key that can be used.",
            hint="It must be in PEM form and not encrypted.",
        ) from error
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return "ed25519"
    if isinstance(key, rsa.RSAPrivateKey):
        return "ps256"
    sizes = {256: "es256", 384: "es384", 521: "es512"}
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.key_size in sizes:
        return sizes[key.curve.key_size]
    raise InputError(
        f"{path} holds a key of a kind that C2PA does not take.",
        hint="It takes P-256, P-384, P-521, Ed25519 and RSA.",
    )


def _library() -> Any:
    if importlib.util.find_spec("c2pa") is None:
        raise EngineError("Signing needs c2pa-python.", hint="Run: pip install 'musiscene[c2pa]'")
    import c2pa

    return c2pa
