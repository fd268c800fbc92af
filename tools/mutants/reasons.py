"""Why a mutant may survive: looked at one by one, and said once for all of a kind."""

from __future__ import annotations

from typing import Protocol

INTRODUCTION = [
    "A mutant is the source with one small change: a number one larger, `<` for `<=`, an argument left out. The tests "
    "should fail; where they do not, the mutant survives, and either the tests have a gap or the change makes no "
    "difference. [CONTRIBUTING.md](../CONTRIBUTING.md#mutation-testing) says how to run it.",
    "",
    "*No difference* counts the survivors that were looked at and change nothing that can be seen on this machine: "
    "equivalent code, memory or speed alone, another device or another version. They count as survivors in *killed of "
    "run*. The words of errors are not mutated (that an error is raised, and when, is); the last column says how the "
    "score would be with every one of them counted as a survivor.",
    "",
    "What mutmut does not mutate: constants of modules and classes, lambdas outside of functions, decorated functions "
    "(properties, generators under `contextmanager`), and the texts of f-strings. What runs while a module is imported "
    "runs before the mutant is switched on, so that such mutants survive here even where the tests would see them.",
]


class Change(Protocol):
    """What a reason is found by."""

    file: str
    function: str
    was: str
    now: str


SAME, DIFFERS = True, False
# end of the file, end of the function's name ("" for any), part of the line before, part of the line after, the
# reason, and whether the mutant makes no difference
REASONS = [
    ("", "", " if i else ", "(i) and False", "the state is updated in a copy instead of in place: memory only", SAME),
    ("", "", "torch.sub(d, last, out=last)", "out=None", "a new tensor instead of an old one's memory", SAME),
    ("", "", "torch.sub(d, last, out=last)", "d, last, )", "a new tensor instead of an old one's memory", SAME),
    ("", "", "out=innovation", "out=None", "a new tensor instead of an old one's memory", SAME),
    ("", "", "out=innovation", "alpha=kappa, )", "a new tensor instead of an old one's memory", SAME),
    ("", "", "d.clone() if last is None", "or True", "a new tensor instead of an old one's memory", SAME),
    ("", "", "strict=True", "", "the lengths are equal by then", SAME),
    ("", "", "utf-8", "UTF-8", "another spelling of the same", SAME),
    (
        "",
        "",
        "",
        ".to(None)",
        "shows on a GPU only, or in mixed precision that arithmetic in place settles itself",
        SAME,
    ),
    ("masks.py", "check_mask", "device=guide.device", "device=None", "shows on a GPU only", SAME),
    ("masks.py", "check_mask", "device=guide.device", ".to(dtype=", "shows on a GPU only", SAME),
    ("masks.py", "level_map", "device=fractions.device", "device=None", "shows on a GPU only", SAME),
    ("masks.py", "level_map", "device=fractions.device", "float64, )", "shows on a GPU only", SAME),
    ("noise.py", "__init__", 'torch.Generator(device="cpu")', "", "the CPU is the default", SAME),
    ("state.py", "noised", "device=guide.device", "repeat=repeat, )", "shows on a GPU only", SAME),
    ("brownian.py", "__init__", "_pieces", "None", "empty either way until the first call", SAME),
    (
        "brownian.py",
        "_to_split",
        "start < cut < start + cells",
        "<=",
        "an edge that is there: the tree is the same",
        SAME,
    ),
    ("brownian.py", "_to_split", "cells //= 2", "cells /= 2", "powers of two: the same numbers", SAME),
    ("brownian.py", "_to_split", "cut >= start", "cut > start", "in the middle there is nothing more to split", SAME),
    ("brownian.py", "_split", "cells // 2", "cells / 2", "powers of two: the same numbers", SAME),
    ("brownian.py", "_split", "spare=self._spare", "stds, )", "new tensors instead of old ones' memory", SAME),
    (
        "brownian.py",
        "_take",
        "if start >= i:",
        "if start > i:",
        "only the first begins there, and that is not here",
        SAME,
    ),
    ("brownian.py", "__call__", "del self._spare", "", "how many tensors are kept for use again: memory only", SAME),
    ("few_step.py", "few_step", "if eta < 1.0", "", "the weight is 0 then, and x is D in either branch", SAME),
    (
        "few_step.py",
        "__init__",
        "dtype=torch.float64",
        "dtype=None",
        "a level within 1e-7 of the middle of two",
        DIFFERS,
    ),
    (
        "few_step.py",
        "__init__",
        "dtype=torch.float64",
        "own, device",
        "a level within 1e-7 of the middle of two",
        DIFFERS,
    ),
    ("few_step.py", "__init__", "device=levels.device", "", "shows on a GPU only", SAME),
    ("share.py", "t0", "value == 0.0", "value == 1.0", "the same by the longer way", SAME),
    ("share.py", "t0", "sigma_max", "sigma > ", "the largest level is t0 = 1 either way", SAME),
    ("share.py", "t0", "sigma * 1.001", "< sigma * 1.001", "no level is this number exactly", SAME),
    ("reading.py", "_read_safetensors", "safe_open(", "", "PyTorch on the CPU is the default", SAME),
    ("load.py", "build", "device=device, dtype", "device=None", "the whole network is moved right after", SAME),
    ("load.py", "build", "device=device, dtype", ".to(dtype=", "the whole network is moved right after", SAME),
    ("places.py", "locate", "_weights_in(f, weights)", "_weights_in(f, None)", "asks only whether there is one", SAME),
    ("calls.py", "_plain", "NEWTRUE", "", "no form asks which of the two it is, only that it is one", SAME),
    ("calls.py", "_plain", 'Made("list"', "", "nothing looks at a list's arguments", SAME),
    (
        "calls.py",
        "_plain",
        "literal =",
        "",
        "no instruction that comes here both takes from the stack and has an argument",
        SAME,
    ),
    ("calls.py", "_call", "what is no function", "", "any name that is not in the table", SAME),
    ("calls.py", "_one", "", "", "runs while the module is imported; in the source the tests of forms see it", SAME),
    ("pickles.py", "_check_zip", "file_size", ">=", "an archive is always longer than its entries", SAME),
    ("pickles.py", "_check_zip", "MAX_PICKLE", "None", "the size was checked before", SAME),
    (
        "pickles.py",
        "scan",
        "BININT",
        "",
        "four bytes hold no number beyond the bound, nor do the other instructions",
        SAME,
    ),
    ("reading.py", "read_file", "head = file.read(16)", "", "one byte more is looked at for the words", SAME),
    (
        "reading.py",
        "_read_safetensors",
        "struct.unpack",
        "",
        "such lengths are beyond any file: refused either way",
        SAME,
    ),
    ("reading.py", "_read_safetensors", "MAX_HEADER", "", "refused either way, in other words", SAME),
    ("reading.py", "_allow_numpy_scalars", "np.float64(0.0)", "", "only the type counts", SAME),
    ("reading.py", "_allow_numpy_scalars", "_NAMED", "or True", "shows with PyTorch 2.5 only", SAME),
    ("reading.py", "_is_text", "", "XX", "X is a letter already", SAME),
    ("reading.py", "read_json", "encoding", "None", "shows where the system's encoding is another", SAME),
    ("reading.py", "file_hash", "", "", "blocks of another size: memory only", SAME),
    ("formats/edm.py", "parse", "Found(NAME", "", "replaced when the blocks are read", SAME),
    ("formats/diffusers.py", "parse", "Found(NAME", "", "replaced when the blocks are read", SAME),
    ("formats/adm.py", "parse", "Found(NAME", "", "replaced when the blocks are read", SAME),
    ("formats/score_sde.py", "parse", "VE()", "None, which", "replaced two lines below", SAME),
    ("formats/edm.py", "_names", "names = {", "int(m[3])", "both sides are equal there", SAME),
    ("formats/edm.py", "_names", "sign =", "", "any number of that sign", SAME),
    ("formats/edm.py", "_names", "", "else 1", "the same for all that have no number", SAME),
    ("formats/edm.py", "_names", "_ORDER.get", "", "any number between the two others, or beyond", SAME),
    ("formats/edm.py", "_spec", "size = ", "encoder_names[1]", "the first convolution and block have one size", SAME),
    ("formats/edm.py", "_spec", "", "filters[1]", "a network has one kind of filter", SAME),
    ("formats/edm.py", "_spec", "w.shape(", "[-2]", "filters are square", SAME),
    ("formats/edm.py", "", "", " None, ", "asked where a block attends only, by what is as false as no", SAME),
    ("formats/edm.py", "_spec", "out = 0", "None", "set, or refused below", SAME),
    ("formats/edm.py", "_head", "norm_groups", "", "the last two blocks have as many channels", SAME),
    ("", "_block", ".weight", "[-2]", "kernels are square", SAME),
    ("formats/adm_known.py", "_improved", "heads > 1", "heads > 2", "no network has two", SAME),
    ("formats/ddpm.py", "_spec", "mid.block_2", "", "the second block of the middle has no attention to name", SAME),
    ("formats/ddpm.py", "_block", "shortcut = next", "None", "as false as an empty text", SAME),
    ("formats/score_sde.py", "_kind", "<= names", "< names", "no block has these three alone", SAME),
    ("formats/score_sde.py", "_bare", "padding=", "", "is the default, too", SAME),
    ("formats/score_sde.py", "_inputs", "", "else 1", "refused all the same: no block takes one channel here", SAME),
    ("formats/score_sde.py", "spec", "hidden =", "", "this layer is square", SAME),
    ("formats/score_sde.py", "spec", "for n in range", "", "there is no third block to rename", SAME),
    ("formats/score_sde.py", "spec", "self._decoder(", "", "both blocks of the middle have as many channels", SAME),
    ("formats/score_sde.py", "_encoder", "if blocks else 0", "else 1", "refused by the next module", SAME),
    ("formats/score_sde.py", "_decoder", "out = image", "None", "set before the end, or refused there", SAME),
    ("formats/score_sde.py", "_decoder", '"fir"', "", "refused either way, in other words", SAME),
    ("formats/diffusers.py", "_encoder", "i > 0", "i >= 0", "no block has the number -1", SAME),
    ("formats/diffusers.py", "_decoder", "i > 0", "i >= 0", "no block has the number -1", SAME),
    ("formats/diffusers.py", "_decoder", "ups - 1", "", "the last block has no up-sampler to read", SAME),
    ("formats/adm.py", "__init__", 'Known("")', "", "the name of a network that is not known is not read", SAME),
    ("formats/adm.py", "_spec", "total > 500", "", "no network has about 500 stages", SAME),
    ("formats/adm.py", "_spec", "downs =", "range(2", "the first stage is a residual block in every network", SAME),
    ("formats/adm.py", "_spec", "ups =", "", "where the decoder has a convolution the encoder has one, too", SAME),
    ("formats/adm.py", "_spec", "decoder[-1].outputs", "", "all blocks before a step up have as many channels", SAME),
    ("formats/adm.py", "_spec", 'BlockSpec(c, c, False, "up"', "", "padding counts on the way down only", SAME),
    ("formats/adm.py", "_stages", '"op": "conv"', "", "convolutions are asked for in the decoder only", SAME),
    ("formats/adm.py", "_describe", "attended > 1", "attended > 2", "no test has attention at two levels", DIFFERS),
    ("formats/adm.py", "_levels", "", "", "levels are told apart and counted, not read", SAME),
    ("formats/diffusers.py", "_encoder", "pyramid=", "blocks[+1]", "a block like the last in all that is kept", SAME),
    ("formats/diffusers.py", "_decoder", "else 32", "else 33", "cut to 32 right below", SAME),
    ("formats/diffusers.py", "_decoder", "skip_norm", "[-2]", "the last two blocks have as many channels", SAME),
    ("formats/score_sde.py", "spec", "middle", "", "no test has a list whose middle resamples", DIFFERS),
    ("known.py", "shapes", "fourier=False", "fourier=None", "None is as good as no", SAME),
    (
        "states.py",
        "choose_state",
        "set(average) < set(whole)",
        "<=",
        "with the same names the average covers all",
        SAME,
    ),
    ("overrides.py", "make", "low, high = 1.0, 0.0", "2.0, 0.0", "any two that do not rise", SAME),
    ("overrides.py", "make", "low, high = 1.0, 0.0", "1.0, 1.0", "any two that do not rise", SAME),
    ("weights.py", "matrix", "w.dim() > 2", ">= 2", "a matrix has no further sides, whose product is 1", SAME),
    ("overrides.py", "_said", 'if v != ""', "XXXX", "an empty text alone is an empty text when joined", SAME),
    ("overrides.py", "_said", "b.outputs // b.heads", "b.outputs / b.heads", "shown alike", SAME),
    ("files.py", "picture_format", "(48, 32)", "", "any size that is no icon's", SAME),
    ("files.py", "picture_format", "memory.seek", "", "Pillow goes to the start by itself", SAME),
    ("files.py", "replace_file", '"rb+"', "", "shows on Windows only", SAME),
    ("files.py", "replace_file", "missing_ok", "", "the error would be passed over all the same", SAME),
    ("files.py", "_place", "is_symlink", "or True", "the same file by its full path", SAME),
    ("distance.py", "distance", "far =", "", "beyond the radius every distance is cut to the same", SAME),
    ("distance.py", "distance", "for k in range", "", "a shift of 0, or beyond the radius, changes nothing", SAME),
    ("masks.py", "level_map", "mps", "", "shows on Apple's GPUs only", SAME),
    ("masks.py", "level_map", "fractions.cpu()", "", "shows on Apple's GPUs only", SAME),
    ("noise.py", "_collect", "half = cells // 2", "", "powers of two: the same number", SAME),
    (
        "noise.py",
        "__call__",
        "self._end(n) <= j",
        "",
        "what is never asked for again is kept longer: memory only",
        SAME,
    ),
    ("options.py", "check_options", "get_close_matches", "", "the first of several is taken", SAME),
    ("base.py", "evaluate", "data_ptr", "or True", "one copy more: memory only", SAME),
    ("base.py", "__init__", "self._sigma", "", "the offset is 0 at first, whatever it decays by", SAME),
    ("law.py", "affine_law", "torch.ones(1", "", "the first call only counts the noises", SAME),
    ("lift.py", "lift", "x.clone(), None", "", "set before it is read", SAME),
    ("lift.py", "lift", "r = torch.where", "", "not read where the pixel has started", SAME),
    ("lift.py", "lift", "levels >= sigma", "levels > sigma", "at its own level a pixel is on its anchor", SAME),
    ("mca.py", "mca", "last, b = None", "", "set before it is read", SAME),
    ("mca.py", "drawn_share", "1.0)", "2.0)", "never above 1 but by rounding", SAME),
    ("sa_solver.py", "sa_solver", "linear, last", "", "set before it is read", SAME),
    ("sde_2m.py", "sde_2m", "last, h_last = None", "", "set before it is read", SAME),
    ("sde.py", "is_bool", '"dtype", "")', "", "any text that is no type's name", SAME),
    ("sde.py", "check_t0", "yes or no", "", "any text that is no number", SAME),
    ("sde.py", "t", "self._t(", "2.0", "never above 1 but by rounding", SAME),
    ("sde.py", "_sigma", "n <= 1.0", "", "both formulas agree there", SAME),
    ("sde.py", "_t", "sigma <= self.sigma_min", "", "both formulas agree there", SAME),
    ("sde.py", "timestep", "s = torch.as_tensor", "", "the result is clamped once more", SAME),
    ("sde.py", "timestep", "out =", "", "the level was clamped before", SAME),
    ("sde.py", "timestep", "torch.searchsorted", "", "on a level both neighbours give the same", SAME),
]


def why(mutant: Change) -> tuple[str, bool]:
    """The reason that was found for a survivor, and whether it makes no difference; "open" where nobody looked yet."""
    for file, function, was, now, reason, same in REASONS:
        if (
            mutant.file.endswith("/" + file if file else "")
            and mutant.function.rpartition(".")[2] == (function or mutant.function.rpartition(".")[2])
            and was in mutant.was
            and now in mutant.now
        ):
            return reason, same
    return "open: not looked into yet", DIFFERS
