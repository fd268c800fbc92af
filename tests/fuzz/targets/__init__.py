"""All targets by name."""

from . import archives, canvas, pictures, safetensors, states

MODULES = (safetensors, states, archives, canvas, pictures)
TARGETS = {target.name: target for module in MODULES for target in module.TARGETS}
