"""Kernel inception distance: what is missing is said at once; with torch-fidelity installed, the real computation.

The real Inception weights are not part of the tests: the network gets random weights, through the same file option
that a user without a connection has.
"""

import builtins

import pytest
import torch
from torch.nn import functional as F

from sdedit_core.measure.kid import check_kid, kernel_inception_distance
from sdedit_core.pictures.io import save_image


def failing_import(monkeypatch, error):
    """torch_fidelity cannot be imported."""
    original = builtins.__import__

    def replaced(name, *args, **kwargs):
        if name.split(".")[0] == "torch_fidelity":
            raise error
        return original(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", replaced)


def test_without_the_library_it_says_what_to_install(monkeypatch):
    failing_import(monkeypatch, ModuleNotFoundError("No module named 'torch_fidelity'", name="torch_fidelity"))
    with pytest.raises(ValueError, match="pip install torch-fidelity"):
        check_kid()


def test_a_library_that_does_not_load_is_told_apart(monkeypatch):
    failing_import(monkeypatch, ModuleNotFoundError("No module named 'scipy'", name="scipy"))
    with pytest.raises(ValueError, match="needs scipy"):
        check_kid()
    failing_import(monkeypatch, RuntimeError("operator torchvision::nms does not exist"))
    with pytest.raises(ValueError, match="torchvision must fit this torch"):
        check_kid()


@pytest.fixture(scope="module")
def inception():
    try:
        from torch_fidelity import feature_extractor_inceptionv3
    except Exception as error:
        pytest.skip(f"torch-fidelity cannot be used here: {error}")
    return feature_extractor_inceptionv3


def picture(seed, blur=False):
    image = torch.rand(1, 3, 24, 24, generator=torch.Generator().manual_seed(seed))
    return F.avg_pool2d(image, 5, stride=1, padding=2, count_include_pad=False) if blur else image


@pytest.fixture(scope="module")
def network(inception, tmp_path_factory):
    """(network, file): random weights, with normalisation layers that fit some pictures."""

    class Random(inception.FeatureExtractorInceptionV3):
        def load_state_dict(self, *args, **kwargs):
            pass

    path = tmp_path_factory.mktemp("inception") / "random.pth"
    torch.save({}, path)
    torch.manual_seed(0)
    net = Random("inception-v3-compat", ["2048"], feature_extractor_weights_path=str(path)).train()
    for layer in net.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.momentum = 1.0
    net((torch.cat([picture(50 + i) for i in range(4)]) * 255).to(torch.uint8))
    torch.save(net.eval().state_dict(), path)
    return net, path


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("pictures")
    for name, first, blur in (("real", 0, False), ("same", 20, False), ("blurred", 20, True)):
        (root / name).mkdir()
        for i in range(6):
            save_image(picture(first + i, blur), root / name / f"{i}.png")
    (root / "real" / "notes.txt").write_text("not a picture")
    return root


def features(net, folder):
    from sdedit_core.pictures.io import load_image

    stack = torch.cat([load_image(p) for p in sorted(folder.glob("*.png"))])
    return net((stack * 255).round().to(torch.uint8))[0].double()


def test_it_is_the_unbiased_cubic_mmd_of_the_networks_features(network, folders):
    net, weights = network
    found = {name: kernel_inception_distance(folders / name, folders / "real", weights=weights) for name in
             ("same", "blurred")}  # fmt: skip
    y = features(net, folders / "real")
    for name, kid in found.items():
        x = features(net, folders / name)
        n, d = x.shape

        def kernel(a, b, d=d):
            return (a @ b.T / d + 1.0) ** 3

        inner = [(k.sum() - k.diagonal().sum()) / (n * (n - 1)) for k in (kernel(x, x), kernel(y, y))]
        assert kid.mean == pytest.approx(float(sum(inner) - 2.0 * kernel(x, y).mean()), rel=1e-3, abs=1e-4)
        assert kid.subset == 6
    assert found["blurred"].mean > 5.0 * abs(found["same"].mean)
    assert str(found["same"]).startswith("KID ")


def test_missing_and_foreign_weights_are_explained(inception, folders, tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="There is no file"):
        check_kid(tmp_path / "none.pth")
    torch.save({"wrong": torch.zeros(1)}, tmp_path / "wrong.pth")
    with pytest.raises(ValueError, match=r"cannot read the Inception weights from .*wrong\.pth"):
        kernel_inception_distance(folders / "same", folders / "real", weights=tmp_path / "wrong.pth")

    def offline(*args, **kwargs):
        raise OSError("no route to host")

    monkeypatch.setattr(inception, "load_state_dict_from_url", offline)
    with pytest.raises(ValueError, match="--kid-weights"):
        check_kid()


def test_one_picture_is_not_a_set(network, folders, tmp_path):
    save_image(picture(1), tmp_path / "one.png")
    with pytest.raises(ValueError, match="at least two pictures"):
        kernel_inception_distance(tmp_path, folders / "real", weights=network[1])
