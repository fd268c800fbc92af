"""Names of models that lead out of their folder.  Run by run.py."""

from checks import fails, host


def check_names_of_models_stay_in_their_folder():
    for name in ("../x", "../../main.py", "/etc/passwd", "a/../../x", "", ".", "..", "x" * 5000):
        fails(["No score model"], host.model_path, name)
