"""All targets by name."""

from .. import in_host
from . import archives, canvas, commands, nodes, pictures, safetensors, states

MODULES = (safetensors, states, archives, canvas, pictures, commands, nodes, in_host)
TARGETS = {target.name: target for module in MODULES for target in module.TARGETS}
