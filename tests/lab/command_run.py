"""`repscope pretrain` as a person calls it, without a new process, and what it leaves behind."""

import io
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from torch import Tensor

import repscope
from repscope import cli
from repscope.encoders.families.lab import card_of


@dataclass(frozen=True)
class Said:
    """What a call of the command left behind."""

    code: int
    out: str
    err: str


def called(*words: object, command: str = "pretrain") -> Said:
    """`repscope pretrain`, or another command, with these words."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    argv = ["repscope", command, *map(str, words)]
    with patch.object(sys, "argv", argv), redirect_stdout(out), redirect_stderr(err):
        try:
            cli.main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
    return Said(code, out.getvalue(), err.getvalue())


def done(*words: object) -> Said:
    """The same, of a run that must succeed."""
    said = called(*words)
    assert said.code == 0, said.err
    return said


def weights(folder: Path) -> dict[str, Tensor]:
    return repscope.load(str(folder)).network.state_dict()  # type: ignore[attr-defined]


def same(one: Path, other: Path) -> bool:
    """Whether the encoders in two folders are the same to the bit."""
    there = weights(other)
    return all(bool((value == there[name]).all()) for name, value in weights(one).items())


def card(folder: Path) -> dict:
    return card_of(folder / "encoder.safetensors")
