"""Encoders on trial that were tampered with, in memory or on disk, and what a check says of them."""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import torch

from repscope.checks import Finding, Subject, catalogue
from repscope.encoders import load
from repscope.encoders.contract import Precision
from repscope.encoders.precision import Chosen
from repscope.encoders.transformer import Transformer
from repscope.errors import RepscopeError

Change = Callable[[Transformer], Transformer]


class Standing(Subject):
    """A subject whose encoder is changed after it is loaded: in either precision, or where it is rounded alone."""

    def __init__(self, name: str, change: Change = lambda encoder: encoder, rounded: bool = False):
        super().__init__(name)
        self.change, self.rounded = change, rounded

    @cached_property
    def encoder(self) -> Transformer:
        exact: Any = load(self.name, "float32")
        return exact if self.rounded else self.change(exact)

    def loaded(self, precision: Precision) -> Transformer:
        return self.change(load(self.name, precision))  # type: ignore[arg-type]

    @property
    def contract(self) -> Any:
        return self.encoder.contract

    @property
    def chosen(self) -> Chosen:
        return Chosen("bfloat16", "a test says so") if self.rounded else super().chosen


class Changed:
    """A network whose pixels or sequences are tampered with."""

    def __init__(
        self,
        network: Any,
        pixels: Callable[[torch.Tensor], torch.Tensor] = lambda x: x,
        sequence: Callable[[torch.Tensor], torch.Tensor] = lambda x: x,
    ):
        self.network, self.pixels, self.sequence = network, pixels, sequence

    def __call__(self, pixels: torch.Tensor, layers: Sequence[int]) -> list[torch.Tensor]:
        return [self.sequence(x) for x in self.network(self.pixels(pixels), layers)]

    def named_parameters(self) -> Any:
        return self.network.named_parameters()


def with_network(encoder: Transformer, network: Any) -> Transformer:
    return Transformer(encoder.contract, network, str)


def findings(check: str, subject: Subject) -> list[Finding]:
    """What a check finds; an error that it raises on purpose is a finding too, as in `validate`."""
    try:
        return list(catalogue[check].run(subject))
    except RepscopeError as error:
        return [Finding(about=check, verdict="failed", said=str(error))]


def failed(check: str, subject: Subject) -> list[Finding]:
    return [finding for finding in findings(check, subject) if finding.verdict == "failed"]


def told(found: Sequence[Finding]) -> str:
    return "; ".join(f"{each.about}: {each.verdict}, {each.said}" for each in found)
