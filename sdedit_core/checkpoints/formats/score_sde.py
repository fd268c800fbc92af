"""Checkpoints of score-SDE (yang-song/score_sde_pytorch): NCSN++, DDPM++ and its DDPM, ``.pth``.

Layout: {"model": state dict with "module." and a flat list ``all_modules.<i>``, "ema": {"shadow_params": [...]},
"optimizer", "step"}.  The averaged weights are a bare list in parameter order; names come from ``model``, minus the
frozen Fourier frequencies.  The buffer ``sigmas`` (descending) holds the noise range of VE networks.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from torch import Tensor

from ...networks import BlockSpec, UNetSpec
from ...networks.ncsnpp import SKIP_SCALE, norm_groups
from ...networks.preconditioning import VE, VP, ContinuousVP, DiscreteVE, Preconditioning, SubVP
from ...sde import listed, short
from ..found import Found
from ..overrides import Overrides
from ..reading import RawFile
from ..states import any_state, choose_state
from ..weights import Weights, attention_size, pixel_affine, scaled

NAME = "score-SDE checkpoint"
_KEY = re.compile(r"all_modules\.(\d+)\.(.+)")


def detect(raw: RawFile) -> str | None:
    """None when this is such a file, else why not."""
    keys = any_state(raw.content)
    if keys is None:
        return "no state dict (neither the file itself nor its 'model' entry)"
    if not any(_KEY.match(k) for k in keys):
        return "no keys all_modules.<i>"
    return None


def parse(raw: RawFile, options: Overrides, weights: str) -> Found:
    """Rebuild the network from the flat list of modules."""
    state, which = choose_state(raw.content, weights)
    sigmas = state.pop("sigmas", None)
    notes = []
    ema = raw.content.get("ema") if which == "EMA" and isinstance(raw.content, Mapping) else None
    if isinstance(ema, Mapping) and isinstance(ema.get("num_updates"), int):
        notes.append(f"averaged over {ema['num_updates']} updates")
    walker = _Walker(state, options)
    spec = walker.spec()
    found = Found(
        NAME, walker.architecture(), spec, walker.w.finish(), VE(), which=which, detected=walker.detected,
        assumed=walker.assumed, notes=notes,
    )  # fmt: skip
    found.preconditioning = _preconditioning(walker, sigmas, options, found)
    affine = pixel_affine(found.preconditioning.data_range)
    found.gain, found.offset = affine["gain"], affine["offset"]
    found.size = attention_size(spec, 16) or None
    if found.size:
        found.assumed.append(f"native size {found.size}: attention at 16 x 16, as in all configurations of score-SDE")
    return found


def _preconditioning(walker: _Walker, sigmas: Tensor | None, options: Overrides, found: Found) -> Preconditioning:
    sde = options.sde
    levels = _levels(sigmas)
    if not walker.fourier and sde is None:
        if not walker.is_ddpm and levels is not None and round(levels[1]) == 90:
            sde = "ve-discrete"
            found.detected.append("VE with discrete levels (sigma_max 90 is the CelebA network's)")
        else:
            sde = "vp-discrete" if walker.is_ddpm else "vp-continuous"
            found.assumed.append(
                f'{sde}: the same keys may also mean a VE network with discrete levels; sde="ve" selects it'
            )
    if walker.fourier and sde not in (None, "ve"):
        raise ValueError(f'this network reads ln(sigma), so it is a VE network; sde="{sde}" does not fit.')
    if sde in ("edm", "iddpm", "consistency"):
        raise ValueError(f'score-SDE networks are VE or VP; sde="{sde}" does not fit.')
    if walker.fourier or sde in ("ve", "ve-discrete"):
        low, high, number = levels or (0.01, 348.0, 1000)
        if levels:
            found.detected.append(f"sigma {low:g} to {high:g} in {number} levels, from the file's sigmas")
        else:
            found.assumed.append(f"sigma {low:g} to {high:g}: the file has no sigmas")
        low, high = options.sigma_min or low, options.sigma_max or high
        data_range = options.data_range or (0.0, 1.0)
        if options.data_range is None:
            found.assumed.append("pixels in [0, 1], as all VE configurations of score-SDE")
        if walker.fourier:
            return VE(data_range, sigma_min=low, sigma_max=high)
        return DiscreteVE(data_range, sigma_min=low, sigma_max=high, levels=number)
    data_range = options.data_range or (-1.0, 1.0)
    if sde == "subvp":
        return SubVP(data_range)
    if sde == "vp-continuous" or (sde == "vp" and not walker.is_ddpm):
        return ContinuousVP(data_range)
    return VP(data_range, prediction=options.prediction or "eps", beta_schedule=options.noise_schedule or "linear")


def _levels(sigmas: Tensor | None) -> tuple[float, float, int] | None:
    """Lowest and highest noise, and how many levels, of a file's descending list; None where it cannot be used."""
    if sigmas is None or sigmas.dim() != 1 or not sigmas.numel():
        return None
    high, low = float(sigmas[0]), float(sigmas[-1])
    return (low, high, sigmas.numel()) if 0.0 < low < high < 1e6 else None


class _Walker:
    """Reads the flat module list in order, as the network was built."""

    def __init__(self, state: dict[str, Tensor], options: Overrides):
        self.w = Weights(state)
        self.options = options
        self.modules: dict[int, set[str]] = {}
        for key in state:
            match = _KEY.match(key)
            if match is None:
                raise ValueError(f"it holds the tensor {short(key)}, which is not part of a score-SDE network.")
            self.modules.setdefault(int(match[1]), set()).add(match[2])
        if max(self.modules) > 2000:
            raise ValueError("its module list is longer than any score-SDE network's.")
        self.kinds = [self._kind(i) for i in range(max(self.modules) + 1)]
        if "unknown" in self.kinds:
            i = self.kinds.index("unknown")
            raise ValueError(
                f"module {short(i)} of its list, with {listed(sorted(self.modules[i])[:4])}, belongs to no NCSN++, "
                "DDPM++ or DDPM. Is the file complete, or is it another kind of network (NCSN v1, v2)?"
            )
        self.fourier = self.kinds[0] == "fourier"
        blocks = [i for i, k in enumerate(self.kinds) if k == "res"]
        if not blocks:
            raise ValueError("its module list has no residual blocks.")
        self.biggan = any("Conv_2.weight" in self.modules[i] and self._resamples(i) for i in blocks)
        pyramids = "combine" in self.kinds or self.kinds.count("norm") > 1
        self.is_ddpm = not self.biggan and not self.fourier and not pyramids
        self.detected: list[str] = []
        self.assumed: list[str] = []
        self.fir = self._fir(pyramids)
        rescale = not self.is_ddpm if options.skip_rescale is None else options.skip_rescale
        self.scale = SKIP_SCALE if rescale else 1.0

    def architecture(self) -> str:
        return "DDPM (score-SDE)" if self.is_ddpm else "NCSN++" if self.fourier or self.fir else "DDPM++"

    def _shape(self, i: int, name: str) -> tuple[int, ...]:
        return self.w.shape(f"all_modules.{i}.{name}")

    def _kind(self, i: int) -> str:
        names = self.modules.get(i)
        if not names:
            return "bare"
        if names == {"W"}:
            return "fourier"
        if names == {"weight", "bias"}:
            return {1: "norm", 2: "linear", 4: "conv"}.get(len(self._shape(i, "weight")), "unknown")
        if "NIN_3.W" in names:
            return "attention"
        if {"GroupNorm_0.weight", "Conv_0.weight", "Dense_0.weight"} <= names:
            return "res"
        if names == {"Conv_0.weight", "Conv_0.bias"}:
            return "combine" if self._shape(i, "Conv_0.weight")[2:] == (1, 1) else "resample"
        if names == {"Conv2d_0.weight", "Conv2d_0.bias"}:
            return "fir"
        return "unknown"

    def _resamples(self, i: int) -> bool:
        return self._shape(i, "GroupNorm_0.weight") == self._shape(i, "GroupNorm_1.weight")

    def _fir(self, pyramids: bool) -> bool:
        if self.is_ddpm:
            return False
        if "fir" in self.kinds or "resample" in self.kinds:
            fir = "fir" in self.kinds
            self.detected.append("FIR resampling" if fir else "resampling without FIR filter")
            return fir
        if self.options.fir is not None:
            return self.options.fir
        fir = self.fourier or pyramids
        how = "with the [1,3,3,1] filter (NCSN++)" if fir else "without a filter (DDPM++)"
        self.assumed.append(f"resampling {how}: the filter has no weights; fir={not fir} selects the other")
        return fir

    def _groups(self, channels: int) -> int:
        return 32 if self.is_ddpm else norm_groups(channels)

    def _block(self, i: int, target: str, resample: str) -> BlockSpec:
        m = f"all_modules.{i}"
        names = self.modules[i]
        cin, cout = self._shape(i, "GroupNorm_0.weight")[0], self._shape(i, "GroupNorm_1.weight")[0]
        shortcut = f"{m}.Conv_2" if "Conv_2.weight" in names else f"{m}.NIN_0" if "NIN_0.W" in names else ""
        kernel = 0 if not shortcut else 1 if shortcut.endswith("NIN_0") else self._shape(i, "Conv_2.weight")[-1]
        self.w.res_block(
            target, norm0=f"{m}.GroupNorm_0", conv0=f"{m}.Conv_0", emb=f"{m}.Dense_0", norm1=f"{m}.GroupNorm_1",
            conv1=f"{m}.Conv_1", shortcut=shortcut, scale=self.scale,
        )  # fmt: skip
        groups = {"groups_in": self._groups(cin), "groups_out": self._groups(cout)}
        return BlockSpec(
            cin, cout, resample=resample, fir=self.fir, shortcut=kernel, scale=self.scale,
            attention_groups=self._groups(cout), **groups,
        )  # fmt: skip

    def _bare(self, i: int, target: str, channels: int, resample: str) -> BlockSpec:
        kind = self.kinds[i]
        if kind == "fir":
            raise ValueError(
                "it resamples by convolutions with FIR filters, which the original code cannot do upwards."
            )
        if kind == "resample":
            self.w.layer(f"{target}.conv", f"all_modules.{i}.Conv_0")
        return BlockSpec(
            channels, channels, residual=False, resample=resample, fir=self.fir, kernel=0 if kind == "bare" else 3,
            padding="asymmetric", scale=self.scale,
        )  # fmt: skip

    def _attend(self, blocks: list[BlockSpec], part: str, i: int) -> None:
        m = f"all_modules.{i}"
        self.w.attention(
            f"{part}.{len(blocks) - 1}.attention", norm=f"{m}.GroupNorm_0", q=f"{m}.NIN_0", k=f"{m}.NIN_1",
            v=f"{m}.NIN_2", proj=f"{m}.NIN_3", scale=self.scale,
        )  # fmt: skip
        blocks[-1] = replace(blocks[-1], heads=1)

    def _pyramid(self, blocks: list[BlockSpec], i: int, following: int) -> int:
        """The image pyramid joins after blocks[-1]; returns the channels that go on."""
        j, last, m = len(blocks) - 1, blocks[-1], f"all_modules.{i}"
        if last.resample != "down" or last.pyramid:
            raise ValueError(f"module {i} of its list is not where an image pyramid belongs.")
        if self.kinds[i] == "combine":
            self.w.layer(f"pyramid.{j}.conv", f"{m}.Conv_0")
            cat = following == 2 * last.outputs
            blocks[-1] = replace(last, pyramid="cat" if cat else "sum")
            return last.outputs * (2 if cat else 1)
        layer = f"{m}.{'Conv2d_0' if self.kinds[i] == 'fir' else 'Conv_0'}"
        for part in ("weight", "bias"):
            self.w.out[f"pyramid.{j}.conv.conv.{part}"] = scaled(self.w.get(f"{layer}.{part}").float(), self.scale)
        blocks[-1] = replace(last, pyramid="residual")
        return last.outputs

    def _inputs(self, i: int) -> int:
        return self._shape(i, "GroupNorm_0.weight")[0] if i < len(self.kinds) and self.kinds[i] == "res" else 0

    def spec(self) -> UNetSpec:
        """Walk the list; fills ``w.out``.  ValueError where the list is no such network."""
        kinds, pos, features = self.kinds, 0, 0
        if self.fourier:
            self.w.out["embed.features.weight"] = self.w.get("all_modules.0.W")
            pos, features = 1, 2 * self._shape(0, "W")[0]
        if kinds[pos : pos + 3] != ["linear", "linear", "conv"]:
            raise ValueError("it has no noise embedding at the start, so it is an unconditional network.")
        features = features or self._shape(pos, "weight")[1]
        self.w.layer("embed.linear0", f"all_modules.{pos}")
        self.w.layer("embed.linear1", f"all_modules.{pos + 1}")
        self.w.layer("conv_in", f"all_modules.{pos + 2}")
        hidden = self._shape(pos + 1, "weight")[0]
        base, image = self._shape(pos + 2, "weight")[:2]
        encoder, skips, pos = self._encoder(pos + 3, base)
        middle = encoder[-2:]
        if len(middle) < 2 or not middle[0].heads or middle[0].resample or middle[1].resample or middle[1].heads:
            raise ValueError("its list has no middle of block, attention, block.")
        del encoder[-2:], skips[-2:]
        for n in range(2):
            old, new = f"encoder.{len(encoder) + n}.", f"middle.{n}."
            self.w.out = {new + k[len(old) :] if k.startswith(old) else k: v for k, v in self.w.out.items()}
        decoder, out = self._decoder(pos, middle[-1].outputs, skips, image)
        return UNetSpec(
            image, out, base, tuple(encoder), tuple(middle), tuple(decoder),
            embedding="fourier" if self.fourier else "sinusoidal",
            embedding_channels=features, embedding_hidden=hidden,
        )  # fmt: skip

    def _encoder(self, i: int, c: int) -> tuple[list[BlockSpec], list[int], int]:
        blocks: list[BlockSpec] = []
        skips = [c]
        while i < len(self.kinds):
            kind, target = self.kinds[i], f"encoder.{len(blocks)}"
            if kind == "res":
                if self._inputs(i) != c:
                    break
                down = self.biggan and "Conv_2.weight" in self.modules[i] and self._resamples(i)
                blocks.append(self._block(i, target, "down" if down else ""))
                c = blocks[-1].outputs
                skips.append(c)
            elif kind == "attention" and blocks:
                self._attend(blocks, "encoder", i)
            elif kind == "combine" or (blocks and blocks[-1].resample and kind in ("fir", "resample")):
                c = skips[-1] = self._pyramid(blocks, i, self._inputs(i + 1)) if blocks else 0
            elif kind in ("fir", "resample", "bare"):
                blocks.append(self._bare(i, target, c, "down"))
                skips.append(c)
            else:
                raise ValueError(f"module {i} of its list is not where a network of this kind has a {kind} layer.")
            i += 1
        return blocks, skips, i

    def _decoder(self, i: int, c: int, skips: list[int], image: int) -> tuple[list[BlockSpec], int]:
        blocks: list[BlockSpec] = []
        out = image
        while i < len(self.kinds):
            kind, target = self.kinds[i], f"decoder.{len(blocks)}"
            if kind == "res":
                up = self._inputs(i) == c
                if not up and (not skips or self._inputs(i) != c + skips.pop()):
                    raise ValueError(f"module {i} of its list takes {self._inputs(i)} channels, which does not fit.")
                blocks.append(self._block(i, target, "up" if up else ""))
                c = blocks[-1].outputs
            elif kind == "attention" and blocks:
                self._attend(blocks, "decoder", i)
            elif kind == "norm" and blocks and self.kinds[i + 1 : i + 2] == ["conv"]:
                out = self._shape(i + 1, "weight")[0]
                if out != image:
                    raise ValueError("it has a residual output pyramid, which the original code cannot run either.")
                name = f"heads.{len(blocks) - 1}"
                self.w.layer(f"{name}.norm", f"all_modules.{i}")
                self.w.layer(f"{name}.conv", f"all_modules.{i + 1}")
                blocks[-1] = replace(blocks[-1], head=self._groups(c))
                i += 1
            elif kind in ("fir", "resample", "bare"):
                blocks.append(self._bare(i, target, c, "up"))
            else:
                raise ValueError(f"module {i} of its list is not where a network of this kind has a {kind} layer.")
            i += 1
        if skips or not blocks or not blocks[-1].head:
            raise ValueError("its list of modules ends early; is the file complete?")
        return blocks, out
