"""The folder models/score_models."""

from __future__ import annotations

import os

import folder_paths

from ..listing import model_entries

FOLDER = "score_models"
EXTENSIONS = {".safetensors", ".sft", ".pth", ".pt", ".ckpt", ".bin"}


def register_model_folder() -> None:
    """Make models/score_models known, next to what extra_model_paths.yaml says about it."""
    folder_paths.add_model_folder_path(FOLDER, os.path.join(folder_paths.models_dir, FOLDER), is_default=True)
    paths, extensions = folder_paths.folder_names_and_paths[FOLDER]
    folder_paths.folder_names_and_paths[FOLDER] = (paths, set(extensions) | EXTENSIONS)


def list_model_files() -> list[str]:
    """Checkpoint files in models/score_models; a folder with a config.json (diffusers) counts as one entry."""
    return model_entries(folder_paths.get_folder_paths(FOLDER), folder_paths.folder_names_and_paths[FOLDER][1])


def model_path(name: str) -> str:
    """Full path of an entry of :func:`list_model_files`; ValueError when it is gone."""
    for root in folder_paths.get_folder_paths(FOLDER):
        root = os.path.abspath(root)
        path = os.path.abspath(os.path.join(root, name))  # links are followed, ".." is not
        if path.startswith(root + os.sep) and os.path.exists(path):
            return path
    looked = ", ".join(folder_paths.get_folder_paths(FOLDER))
    raise ValueError(f"No score model {name!r}. Put the file into {looked} and press R to refresh the list.")
