"""All targets by name."""

from . import archives, canvas, commands, nodes, pictures, safetensors, states

MODULES = (safetensors, states, archives, canvas, pictures, commands, nodes)
TARGETS = {target.name: target for module in MODULES for target in module.TARGETS}
