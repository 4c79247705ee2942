"""Average: a teacher that follows a student slowly."""

from copy import deepcopy
from typing import TypeVar

import torch
from torch import nn

M = TypeVar("M", bound=nn.Module)


def teacher_of(student: M) -> M:
    """A copy that gradients leave alone."""
    return deepcopy(student).requires_grad_(False)


@torch.no_grad()
def follow(teacher: nn.Module, student: nn.Module, momentum: float) -> None:
    """teacher <- momentum teacher + (1 - momentum) student, parameter by parameter."""
    torch._foreach_lerp_(  # pyright: ignore[reportPrivateImportUsage]
        list(teacher.parameters()), list(student.parameters()), 1 - momentum
    )
