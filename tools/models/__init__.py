"""docs/models.md: what the network of every model class of a ComfyUI is told of a mask."""
