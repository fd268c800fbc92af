"""A custom node for the tests: CONDITIONING without a text encoder, of any width, with a pooled part."""

import torch


class RandomPrompt:
    RETURN_TYPES = ("CONDITIONING",)
    FUNCTION = "make"
    CATEGORY = "tests"

    @classmethod
    def INPUT_TYPES(cls):
        return {
            "required": {
                "seed": ("INT", {"default": 0}),
                "width": ("INT", {"default": 1024}),
                "pooled": ("INT", {"default": 32}),
            }
        }

    def make(self, seed, width, pooled):
        generator = torch.Generator().manual_seed(seed)
        tokens = torch.randn(1, 8, width, generator=generator)
        return ([[tokens, {"pooled_output": torch.randn(1, pooled, generator=generator)}]],)


NODE_CLASS_MAPPINGS = {"TestRandomPrompt": RandomPrompt}
