"""The trainer: loss falls, runs resume bit for bit, files are whole, a trained net samples a known law."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image

from sdedit_core import load_score_model, sdedit
from sdedit_core.cli.main import main
from sdedit_core.pictures.files import replace_file
from sdedit_core.priors.exact import GaussianPrior
from sdedit_core.training import FunctionSource, Run, Settings, Size, TensorSource, Trainer
from sdedit_core.training.files import read_tensors, save_tensors
from sdedit_core.training.run import STATE_KEY
from sdedit_core.training.trainer import reference_mean

MEAN, STD = 0.6, 0.3


def gaussian_source(size=8):
    """Samples of N(MEAN, STD^2): endless, one channel."""

    def draw(count, generator):
        return MEAN + STD * torch.randn(count, 1, size, size, generator=generator)

    return FunctionSource(draw, channels=1, size=(size, size))


def settings(**changes):
    return Settings(**{"steps": 40, "batch": 16, "warmup": 5, "network": "tiny", "rate": 2e-3, **changes})


def weights(trainer):
    return {name: p.detach().clone() for name, p in trainer.network.named_parameters()}


def assert_same_run(a, b):
    (first, _), (second, _) = a.state(), b.state()
    assert first.keys() == second.keys()
    for name in first:
        assert torch.equal(first[name], second[name]), name


@pytest.fixture(scope="module")
def trained():
    """A tiny network trained on the exact Gaussian data set, and the reports of its run."""
    trainer, reports = Trainer(gaussian_source(), settings(steps=160, batch=48, ema=0.1, rate=4e-3)), []
    trainer.run(every=16, report=reports.append)
    return trainer, reports


def test_loss_falls_and_is_reported_by_level(trained):
    _, reports = trained
    assert [p.step for p in reports] == list(range(16, 161, 16))
    assert reports[-1].loss < 0.75 * reports[0].loss
    assert set(reports[-1].by_level) >= {"0.2-0.5", "0.5-1", "1-2"}
    assert reports[-1].pictures == 160 * 48 and reports[-1].per_second > 0


def test_sampling_beats_an_untrained_network_on_the_gaussian(trained):
    trainer, _ = trained
    fresh = Trainer(gaussian_source(), settings())
    exact = GaussianPrior(mean=MEAN, std=STD)
    x = MEAN + torch.randn(256, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    sigma = torch.full((256,), 0.98)
    good, bad = (
        (t.score_model().denoise(x, sigma) - exact.denoise(x, sigma)).square().mean().sqrt()
        for t in (trained[0], fresh)
    )
    assert good < 0.6 * STD and good < 0.4 * bad
    guide = torch.full((64, 1, 8, 8), 1.2)
    model, untrained = trainer.score_model(), fresh.score_model()
    after, before = (sdedit(m, guide, t0=0.45, steps=12, seed=0).samples for m in (model, untrained))
    truth = sdedit(exact.score_model(schedule=model.schedule, channels=1), guide, t0=0.45, steps=12, seed=0).samples
    far = [(s.flatten().sort().values - truth.flatten().sort().values).abs().mean() for s in (after, before)]
    assert far[0] < 0.4 * far[1]  # 1-Wasserstein distance to the exact model's results, pixel by pixel


@pytest.mark.parametrize("changes", [{}, {"accumulate": 2, "reference": 40}, {"precision": "bf16"}], ids=str)
def test_resumes_bit_for_bit(tmp_path, changes):
    chosen = settings(steps=6, batch=8, **changes)
    straight = Run(Trainer(gaussian_source(), chosen), tmp_path / "a.safetensors")
    straight.go(save_every=100)
    first = Run(Trainer(gaussian_source(), chosen), tmp_path / "b.safetensors")
    asked = iter([False, False, True])
    first.go(stop=lambda: next(asked))
    assert first.trainer.step == 3
    second = Run(Trainer(gaussian_source(), chosen), tmp_path / "b.safetensors")
    assert second.resume() and second.trainer.step == 3
    second.go(save_every=100)
    assert_same_run(straight.trainer, second.trainer)
    assert (tmp_path / "a.safetensors").stat().st_size == (tmp_path / "b.safetensors").stat().st_size


def test_accumulation_is_the_mean_over_the_parts(monkeypatch):
    """Four parts with the same numbers have the gradient of one of them."""
    numbers = Trainer._generator
    monkeypatch.setattr(Trainer, "_generator", lambda self, step, part, **which: numbers(self, step, 0, **which))
    one = Trainer(gaussian_source(), settings(batch=4, clip=1e9))
    parts = Trainer(gaussian_source(), settings(batch=16, accumulate=4, clip=1e9))
    torch.testing.assert_close(parts.train_step(), one.train_step(), rtol=1e-4, atol=0)
    assert (one.pictures, parts.pictures) == (4, 16) and one.step == parts.step == 1


def test_reference_mean_is_the_posterior_mean_over_the_reference():
    generator = torch.Generator().manual_seed(0)
    pictures = torch.randn(7, 2, 4, 4, generator=generator)
    sigma = torch.tensor([0.02, 0.5, 2.0, 600.0])
    noised = pictures[:4] + sigma.view(-1, 1, 1, 1) * torch.randn(4, 2, 4, 4, generator=generator)
    means = reference_mean(noised, sigma, pictures)
    for x, s, mean in zip(noised.double(), sigma.double(), means, strict=True):
        likely = torch.softmax(-(x - pictures.double()).square().sum((1, 2, 3)) / (2 * s * s), 0)
        torch.testing.assert_close(mean.double(), torch.einsum("n,nchw->chw", likely, pictures.double()))
    torch.testing.assert_close(means[0], pictures[0])  # nothing else is near


def test_reference_takes_noise_out_of_the_target_and_no_more():
    prior = GaussianPrior(mean=0.0, std=0.3)
    generator, count, sigma = torch.Generator().manual_seed(1), 4000, torch.full((1,), 0.8)
    plain, stable = torch.empty(count), torch.empty(count)
    for i in range(count):
        pictures = 0.3 * torch.randn(16, 1, 1, 1, generator=generator)
        x = pictures[:1] + 0.8 * torch.randn(1, 1, 1, 1, generator=generator)
        exact = prior.denoise(x, sigma)
        plain[i], stable[i] = (pictures[:1] - exact).sum(), (reference_mean(x, sigma, pictures) - exact).sum()
    assert plain.var() > 5 * stable.var()
    assert stable.mean().abs() < 4 * stable.std() / count**0.5  # unbiased, as x0 is


def test_same_seed_same_weights_other_seed_other_weights():
    a, b, c = (Trainer(gaussian_source(), settings(seed=s)) for s in (1, 1, 2))
    for t in (a, b, c):
        t.run(until=2)
    assert_same_run(a, b)
    assert any(not torch.equal(v, weights(c)[k]) for k, v in weights(a).items())


def test_other_settings_do_not_resume(tmp_path):
    Run(Trainer(gaussian_source(), settings(steps=1)), tmp_path / "m.safetensors").go()
    other = Run(Trainer(gaussian_source(), settings(steps=5, rate=1e-3)), tmp_path / "m.safetensors")
    with pytest.raises(ValueError, match=r"rate 0.002 -> 0.001"):
        other.resume()
    longer = Run(Trainer(gaussian_source(), settings(steps=5)), tmp_path / "m.safetensors")
    assert longer.resume() and longer.trainer.step == 1


def damaged_states():
    """(name, what is done to the tensors and the description, words)"""

    def without(*names):
        return lambda tensors, meta: [tensors.pop(name, None) for name in names] + [meta.pop(n, None) for n in names]

    def put(**entries):
        return lambda tensors, meta: meta.update(entries)

    for key in ("step", "pictures", "settings", "sigma_data"):
        yield f"no {key}", without(key), key
        yield f"{key} []", put(**{key: []}), key
    yield "step 1.5", put(step=1.5), "step"
    yield "step -1", put(step=-1), "step"
    yield "step true", put(step=True), "step"
    yield "no tensors", lambda tensors, meta: tensors.clear(), "lacks the tensor|deserializing header"
    for part in ("weight", "average", "exp_avg", "exp_avg_sq"):
        yield (
            f"no {part}",
            lambda tensors, meta, part=part: tensors.pop(max(k for k in tensors if k.startswith(f"{part}."))),
            f"lacks the tensor {part}",
        )
    yield "other shapes", lambda t, m: t.update({k: v[None] for k, v in t.items()}), "instead of"
    yield "other types", lambda t, m: t.update({k: v.double() for k, v in t.items()}), "float64 instead of"


@pytest.mark.parametrize(("damage", "words"), [pytest.param(d, w, id=n) for n, d, w in damaged_states()])
def test_a_damaged_state_is_refused_in_a_sentence_and_changes_nothing(tmp_path, damage, words):
    run = Run(Trainer(gaussian_source(), settings(steps=1)), tmp_path / "m.safetensors")
    run.go()
    tensors, meta = read_tensors(run.state, STATE_KEY)
    damage(tensors, meta)
    save_tensors(run.state, tensors, {STATE_KEY: json.dumps(meta)})
    again = Run(Trainer(gaussian_source(), settings(steps=1)), tmp_path / "m.safetensors")
    before = weights(again.trainer)
    with pytest.raises(ValueError, match=words) as caught:
        again.resume()
    assert "begin anew" in str(caught.value) and "\n" not in str(caught.value)
    assert again.trainer.step == 0 and all(torch.equal(v, before[k]) for k, v in weights(again.trainer).items())


@pytest.mark.parametrize("text", ["[]", "3", "null", "{", "[" * 100_000, '"x"'], ids=lambda t: t[:4])
def test_a_state_without_a_table_is_refused_in_a_sentence(tmp_path, text):
    save_tensors(tmp_path / "m.state.safetensors", {"a": torch.zeros(1)}, {STATE_KEY: text})
    with pytest.raises(ValueError, match="its description is damaged"):
        Run(Trainer(gaussian_source(), settings()), tmp_path / "m.safetensors").resume()


def test_file_loads_as_the_average(tmp_path, trained):
    trainer, _ = trained
    run = Run(trainer, tmp_path / "gauss.safetensors")
    run.save()
    model = load_score_model(run.model)
    x = torch.randn(4, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    sigma = torch.tensor([0.1, 0.5, 1.0, 5.0])
    torch.testing.assert_close(model.denoise(x, sigma), trainer.score_model().denoise(x, sigma), atol=5e-3, rtol=0)
    assert model.size == (8, 8) and model.channels == 1
    assert model.schedule.sigma(0.5) == pytest.approx(trainer.score_model().schedule.sigma(0.5))
    assert "EMA" in str(model.info) and "160 steps" in str(model.info)


@pytest.mark.parametrize("network", ["tiny", "ncsnpp-tiny"])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_networks_train_and_load(tmp_path, network, precision):
    pictures = torch.randint(0, 256, (8, 3, 16, 16), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    trainer = Trainer(TensorSource(pictures), settings(steps=2, batch=4, network=network, precision=precision))
    before = weights(trainer)
    run = Run(trainer, tmp_path / "m.safetensors", guides=torch.rand(2, 3, 16, 16))
    run.go(sheet_every=2)
    changed = [k for k, v in weights(trainer).items() if not torch.equal(v, before[k])]
    assert len(changed) > 0.2 * len(before)
    assert Image.open(run.sheets / "step_0000002.png").width > 300
    model = load_score_model(run.model)
    assert torch.isfinite(model.denoise(torch.zeros(1, 3, 16, 16), 0.5)).all()
    assert len(run.log.read_text().splitlines()) == 1


@pytest.mark.slow
def test_a_killed_run_leaves_whole_files(tmp_path):
    """Kill -9 at many moments: what lies on disk always loads, and the run goes on to the same end."""
    for i in range(6):
        Image.effect_noise((20, 16), 60 + 10 * i).convert("RGB").save(tmp_path / f"{i}.png")
    model = tmp_path / "m.safetensors"
    arguments = ["train", str(tmp_path), "-o", str(model), "--size", "8", "--network", "tiny", "--steps", "2000"]
    arguments += ["--batch", "2", "--save-every", "1", "--device", "cpu"]
    code = (
        "import sys, torch; torch.set_num_threads(1); import sdedit_core.cli.main as c; sys.exit(c.main(sys.argv[1:]))"
    )
    steps = []
    for wait in (1, 3):
        process = subprocess.Popen(
            [sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        for _ in process.stdout:
            if model.exists():
                break
        saves, last = 0, None
        while saves < wait * 3:  # some saves later, in the middle of anything
            stamp = model.stat().st_mtime_ns if model.exists() else None
            saves, last = saves + (stamp != last), stamp
        process.kill()
        process.wait()
        process.stdout.close()
        tensors, meta = read_tensors(tmp_path / "m.state.safetensors", STATE_KEY)
        assert all(torch.isfinite(t).all() for t in tensors.values())
        load_score_model(model)
        steps.append(meta["step"])
    assert 0 < steps[0] < steps[1]


def test_a_run_killed_before_its_last_model_writes_it(tmp_path):
    run = Run(Trainer(gaussian_source(), settings(steps=3, batch=4)), tmp_path / "m.safetensors")
    run.go(report_every=1)
    whole = read_tensors(run.model, "sdedit")
    run.model.unlink()
    with open(run.log, "a") as log:
        log.write('{"step": 9}\n{"step": 1, "lo')  # reports after the last save, the last one cut off
    again = Run(Trainer(gaussian_source(), settings(steps=3, batch=4)), tmp_path / "m.safetensors")
    assert again.resume()
    again.go()
    tensors, about = read_tensors(run.model, "sdedit")
    assert about == whole[1] and tensors.keys() == whole[0].keys()
    assert all(torch.equal(tensors[name], whole[0][name]) for name in tensors)
    assert [json.loads(line)["step"] for line in run.log.read_text().splitlines()] == [1, 2, 3]


def test_other_sizes_do_not_resume(tmp_path):
    Run(Trainer(gaussian_source(), settings(steps=1)), tmp_path / "m.safetensors").go()
    with pytest.raises(ValueError, match=r"sizes \['8x8:1'\] -> \['16x16:1'\]"):
        Run(Trainer(gaussian_source(16), settings(steps=5)), tmp_path / "m.safetensors").resume()


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "x.safetensors"
    save_tensors(path, {"a": torch.ones(3)}, {STATE_KEY: "{}"})

    def broken(temporary):
        temporary.write_bytes(b"half")
        raise OSError("disk full")

    with pytest.raises(ValueError, match="disk full"):
        replace_file(path, broken)
    assert torch.equal(read_tensors(path, STATE_KEY)[0]["a"], torch.ones(3))
    assert [p.name for p in tmp_path.iterdir()] == ["x.safetensors"]
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(ValueError, match="cannot be read"):
        read_tensors(path, STATE_KEY)


def test_a_run_that_diverged_does_not_replace_the_last_good_state(tmp_path):
    run = Run(Trainer(gaussian_source(), settings(steps=2)), tmp_path / "m.safetensors")
    run.save()
    good = run.state.read_bytes(), run.model.read_bytes()
    next(run.trainer.network.parameters()).data.flatten()[3] = float("nan")
    with pytest.raises(ValueError, match="diverged"):
        run.save()
    assert (run.state.read_bytes(), run.model.read_bytes()) == good


def test_divergence_is_reported():
    source = TensorSource(torch.full((2, 1, 8, 8), float("inf")))
    with pytest.raises(ValueError, match="NaN or infinite"):
        Trainer(source, settings())


@pytest.mark.parametrize(
    "changes, text",
    [
        ({"steps": 0}, "steps must be a whole number"),
        ({"batch": 5, "accumulate": 2}, "equal parts"),
        ({"rate": -1.0}, "rate must be a number above 0"),
        ({"ema": 0.5}, "ema must be"),
        ({"reference": -1}, "reference must be a whole number"),
        ({"precision": "fp8"}, "precision must be one of"),
        ({"sigma_min": 2.0, "sigma_max": 1.0}, "sigma_min < sigma_max"),
    ],
)
def test_bad_settings(changes, text):
    with pytest.raises(ValueError, match=text):
        settings(**changes)


def test_command_trains_and_goes_on(tmp_path, capsys):
    for i in range(3):
        Image.new("RGB", (24, 16), (40 * i, 90, 200)).save(tmp_path / f"{i}.png")
    out = tmp_path / "m.safetensors"
    base = ["train", str(tmp_path), "-o", str(out), "--size", "8", "--network", "tiny", "--batch", "2", "--crops", "2"]
    assert main([*base, "--steps", "2", "--device", "cpu"]) == 0
    said = capsys.readouterr().out
    assert "6 pictures of 8 x 8" in said and "loss" in said and f"wrote {out}" in said
    assert main([*base, "--steps", "3", "--device", "cpu"]) == 0
    assert "going on at step 2" in capsys.readouterr().out
    assert main(["info", str(out)]) == 0


@pytest.mark.parametrize(
    "arguments, text",
    [
        (["{}/none", "-o", "{}/m.safetensors"], "is not a folder"),
        (["{}", "-o", "{}/m.safetensors"], "No images"),
        (["{}", "-o", "{}/m.pt"], "written as .safetensors"),
        (["{}", "-o", "{}/no/m.safetensors"], "does not exist"),
        (["{}", "-o", "{}/m.safetensors", "--size", "0"], "needs a --size in multiples of 16, got 0"),
        (["{}", "-o", "{}/m.safetensors", "--network", "huge"], "Unknown network 'huge'"),
    ],
)
def test_command_errors(tmp_path, capsys, arguments, text):
    assert main(["train", *(a.format(tmp_path) for a in arguments), "--device", "cpu"]) == 1
    assert text in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.skipif(not torch.distributed.is_available(), reason="torch was built without distributed")
def test_two_processes_train_one_network_stop_and_go_on(tmp_path):
    Image.effect_noise((16, 16), 80).convert("RGB").save(tmp_path / "a.png")
    out = tmp_path / "m.safetensors"
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m"]
    command += ["sdedit_core", "train", str(tmp_path), "-o", str(out), "--size", "8", "--network", "tiny"]
    command += ["--batch", "4", "--device", "cpu"]
    options = {"env": environment, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    long = [*command, "--steps", "1000000", "--report-every", "2"]
    with subprocess.Popen(long, start_new_session=True, **options) as process:
        for line in process.stdout:
            if line.startswith("step "):
                break
        os.killpg(process.pid, signal.SIGINT)  # what Ctrl-C does
        said, errors = process.communicate(timeout=120)
    assert "stopped at step" in said, errors[-2000:]
    step = read_tensors(tmp_path / "m.state.safetensors", STATE_KEY)[1]["step"]
    done = subprocess.run([*command, "--steps", str(step + 2)], timeout=120, **options)
    assert done.returncode == 0, done.stderr[-2000:]
    assert f"going on at step {step}" in done.stdout and done.stdout.count("wrote") == 1
    assert read_tensors(tmp_path / "m.state.safetensors", STATE_KEY)[1]["pictures"] == 4 * (step + 2)
    load_score_model(out)


def test_sizes_share_the_work():
    assert Size(64, 64).batch(16, Size(32, 32)) == 4
    assert Size(8, 8).batch(1, Size(32, 32)) == 16
