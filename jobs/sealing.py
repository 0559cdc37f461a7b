"""Secret parameters are sealed: encrypted under a key made of Django's SECRET_KEY and the job."""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils.crypto import salted_hmac

from .exceptions import LostSecrets

MISSING = "cryptography is not installed: pip install 'truestep[secrets]'"


def is_available() -> bool:
    """Whether secrets can be sealed."""
    return find_spec("cryptography") is not None


def preload() -> None:
    """Load what unseals: each process that is forked afterwards has it."""
    with suppress(ImportError):
        import_module("cryptography.fernet")


def seal(values: dict[str, Any], job: UUID) -> str:
    """*values*, which are JSON, encrypted for this job."""
    from cryptography.fernet import Fernet

    sealed = Fernet(_key(settings.SECRET_KEY, job)).encrypt(json.dumps(values).encode())
    return sealed.decode()


def unseal(sealed: str, job: UUID) -> dict[str, Any]:
    """What ``seal`` was given, also under one of SECRET_KEY_FALLBACKS. Raises LostSecrets."""
    try:
        from cryptography.fernet import Fernet, InvalidToken, MultiFernet
    except ImportError as error:
        raise LostSecrets(MISSING) from error

    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    try:
        text = MultiFernet([Fernet(_key(key, job)) for key in keys]).decrypt(sealed)
    except InvalidToken:
        raise LostSecrets(
            "neither SECRET_KEY nor one of SECRET_KEY_FALLBACKS is the key of its launch"
        ) from None
    values: dict[str, Any] = json.loads(text)
    return values


def _key(secret_key: str | bytes, job: UUID) -> bytes:
    """A key of its own for each job: what is sealed for one cannot be moved to another."""
    digest = salted_hmac("truestep.secrets", str(job), secret_key, algorithm="sha256").digest()
    return base64.urlsafe_b64encode(digest)
