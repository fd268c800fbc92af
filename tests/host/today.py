"""Templates of today's models on tiny files: what stands in for text encoders, what is made smaller.

A text encoder has billions of weights, fixed by the host's code, and no tiny file can stand in.  So every CLIP Text
Encode becomes the test node that makes a prompt of random numbers, of the width that the tiny network reads.
Everything else runs as the template has it: loaders, file names, LoRAs, shifts, masks, samplers.
"""

import json

import pytest

SIZES = {"width": 64, "height": 64, "length": 5}
ENCODERS = ("CLIPLoader",)
TEXT = {  # file of the model -> width of its prompt's tokens and of the pooled part
    "sd_xl_base_1.0.safetensors": (2048, 1280),
    "flux1-dev-fp8.safetensors": (64, 32),
    "z_image_turbo_bf16.safetensors": (64, 32),
    "flux-2-klein-4b.safetensors": (64, 32),
    "qwen_image_fp8_e4m3fn.safetensors": (3584, 32),
    "wan2.2_t2v_high_noise_14B_fp8_scaled.safetensors": (4096, 32),
    "wan2.2_i2v_high_noise_14B_fp8_scaled.safetensors": (4096, 32),
}

NOT_YET = {"FLUX.2 Klein": "0.8."}  # model in a template's name -> versions of ComfyUI that cannot load it


def skip_if_unknown(name, comfy):
    """Skip a template whose model the ComfyUI under test is too old for."""
    version = comfy.json("/system_stats")["system"]["comfyui_version"]
    for model, old in NOT_YET.items():
        if model in name and version.startswith(old):
            pytest.skip(f"ComfyUI {version} does not know {model}")


def text_of(names):
    """(width, pooled) for the model file among ``names``; None when it is none of them."""
    return next((TEXT[name] for name in names if isinstance(name, str) and name in TEXT), None)


def small_graph(graph):
    """An API graph on small pictures, with random prompts where it has a model of today."""
    graph = json.loads(json.dumps(graph))
    text = text_of([value for node in graph.values() for value in node["inputs"].values()])
    for key, node in list(graph.items()):
        node["inputs"].update({k: v for k, v in SIZES.items() if k in node["inputs"]})
        if text is not None and node["class_type"] == "CLIPTextEncode":
            width, pooled = text
            node.update(class_type="TestRandomPrompt", inputs={"seed": int(key), "width": width, "pooled": pooled})
        elif text is not None and node["class_type"] in ENCODERS:
            del graph[key]
    return graph


def _drop_encoders(part):
    """Text encoders out of a subgraph, and the ends that were theirs."""
    gone = {node["id"] for node in part["nodes"] if node["type"] in ENCODERS}
    lost = {link["id"] for link in part["links"] if gone & {link["origin_id"], link["target_id"]}}
    part["nodes"] = [node for node in part["nodes"] if node["id"] not in gone]
    part["links"] = [link for link in part["links"] if link["id"] not in lost]
    for end in (*part["inputs"], *part["outputs"]):
        end["linkIds"] = [number for number in end["linkIds"] if number not in lost]


def small_workflow(workflow):
    """The same for a UI file."""
    workflow, gone, kept = json.loads(json.dumps(workflow)), set(), []
    text = text_of([value for node in workflow["nodes"] for value in node["widgets_values"]])
    if text is None:
        return workflow
    for part in workflow.get("definitions", {}).get("subgraphs", []):
        _drop_encoders(part)
    for node in workflow["nodes"]:
        if node["type"] == "CLIPTextEncode":
            gone |= {slot["link"] for slot in node["inputs"] if slot["link"] is not None}
            node.update(type="TestRandomPrompt", inputs=[], widgets_values=[node["id"], "fixed", *text])
        if node["type"] not in ENCODERS:
            kept.append(node)
    workflow["nodes"] = kept
    workflow["links"] = [link for link in workflow["links"] if link[0] not in gone]
    for node in workflow["nodes"]:
        for slot in node["outputs"]:
            slot["links"] = [link for link in slot["links"] or [] if link not in gone] or None
    return workflow
