"""All targets by name."""

from . import canvas, pictures, safetensors

TARGETS = {target.name: target for module in (safetensors, canvas, pictures) for target in module.TARGETS}
