"""Counted: the multiply-adds of a forward, those of linear layers and of attention's two products."""

from repscope.encoders.contract import Contract


def multiply_adds(contract: Contract) -> int:
    """Of one image: a network that does more than these is charged for it, and one that does less is not.

    Norms, softmax, activations and positions are not counted. A photo repeated in time is counted as the clip it is.
    """
    a = contract.architecture
    rows, columns = contract.grid
    patches = rows * columns * (contract.frames // a.tubelet if contract.frames else 1)
    tokens = a.prefix + patches
    projection = patches * 3 * a.tubelet * a.patch**2 * a.width
    perceptron = (3 if a.activation == "swiglu" else 2) * a.width * a.hidden
    linear = tokens * (4 * a.width**2 + perceptron)
    attention = 2 * tokens**2 * a.width
    return projection + a.depth * (linear + attention)
