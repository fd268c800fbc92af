"""Seeing what makes a program wait for a GPU, on a machine that has none.

A CPU works ahead of its GPU until it wants a number back (``float``, ``bool``, ``tolist``, a shape that depends on
values) or has to hand one over (a copy, which waits for all that is queued).  The device ``meta`` stands in for the
GPU: its tensors have no values, so that reading one fails anyway, and every copy to it can be told.
"""

from __future__ import annotations

from contextlib import contextmanager

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

READS = {"_local_scalar_dense", "item", "is_nonzero", "equal", "nonzero", "masked_select", "unique_consecutive"}
READS |= {"_unique", "_unique2", "unique_dim"}  # the shape of what they return is read
ASKED = {"tolist", "numpy", "cpu", "item", "__array__", "__bool__", "__float__", "__int__", "__index__"}
MAKES = {"tensor", "as_tensor", "new_tensor"}


def _tensors(values) -> list[torch.Tensor]:
    flat = torch.utils._pytree.tree_leaves(values)
    return [v for v in flat if isinstance(v, torch.Tensor)]


class _Functions(TorchFunctionMode):
    def __init__(self, watch):
        super().__init__()
        self.watch = watch

    def __torch_function__(self, function, types, args=(), kwargs=None):
        name, given = getattr(function, "__name__", ""), _tensors((args, kwargs or {}))
        if name in ASKED and any(map(self.watch.is_far, given[:1])):
            self.watch.reads.append(name)
        out = function(*args, **kwargs or {})
        if isinstance(out, torch.Tensor) and out.device.type == "meta":
            moved = any(t.device.type == "cpu" and (t.dim() or name == "to") for t in given)
            own = 1 if name == "new_tensor" else 0  # the tensor that it is asked of is not what is copied
            if moved or (name in MAKES and not given[own:]):
                self.watch.copies.append(name)
        return out


class _Operators(TorchDispatchMode):
    def __init__(self, watch):
        super().__init__()
        self.watch = watch

    def __torch_dispatch__(self, operator, types, args=(), kwargs=None):
        name, given = operator.overloadpacket.__name__, _tensors((args, kwargs or {}))
        chosen = name.startswith("index") and any(t.dtype == torch.bool for t in _tensors(args[1:2]))
        if (name in READS or chosen) and any(map(self.watch.is_far, given[:1])):
            self.watch.reads.append(name)
        return operator(*args, **kwargs or {})


class Watch:
    """``reads``: what asked the device for values; ``copies``: what carried some there.  Names of functions.

    ``far``: the device that counts as a GPU: "meta", or "cpu" where values are needed and copies do not count.
    """

    def __init__(self, far: str = "meta"):
        self.far, self.on = far, True
        self.reads: list[str] = []
        self.copies: list[str] = []

    def is_far(self, x: torch.Tensor) -> bool:
        return self.on and x.device.type == self.far


@contextmanager
def watching(far: str = "meta"):
    watch = Watch(far)
    with _Functions(watch), _Operators(watch):
        yield watch
