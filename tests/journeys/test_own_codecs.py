"""A team's own codec, and instances of the notebook's own classes: through whole steps on the sandbox."""

import pytest

CODEC = """import argovx_lab, struct

WIDTH = 8

class Clip:
    def __init__(self, rate, samples):
        self.rate, self.samples = rate, samples

def packed(number):
    return struct.pack('<q', number)[:WIDTH]

@argovx_lab.register_codec
class ClipCodec:
    name, version = 'clip', 2

    def accepts(self, value):
        return isinstance(value, Clip)

    def write(self, value, file):
        file.write(packed(value.rate) + bytes(value.samples))

    def read(self, file):
        return Clip(struct.unpack('<q', file.read(WIDTH))[0], list(file.read()))

    def summary(self, value):
        return f'clip, {len(value.samples)} samples'

clip = Clip(44100, [1, 2, 3])"""

CLASSES = """import enum
from collections import namedtuple
from dataclasses import dataclass, field

@dataclass(frozen=True)
class Config:
    lr: float
    layers: list = field(default_factory=list)

    def __post_init__(self):
        open('made-by-init', 'a').close()

class Mode(enum.Enum):
    FAST = 'fast'

Pair = namedtuple('Pair', 'left right')
config, mode, pairs = Config(0.1, [1]), Mode.FAST, [Pair(1, 2)]"""


def test_a_codec_of_a_cell_goes_into_the_job_and_back(kernel):
    kernel.good(CODEC)
    text = kernel.good(
        "%%vertex_step louder(clip) -> loud:clip, rate --dry-run\nloud, rate = clip, clip.rate"
    )
    assert "loud: clip@2" in text
    assert "clip, 3 samples" in text
    kernel.good(
        "%%vertex_step louder(clip) -> loud:clip, rate\nloud, rate = Clip(clip.rate, [n * 2 for n in clip.samples]), clip.rate"
    )
    assert (
        kernel.good("rate.get(), loud.get().samples, type(loud.get()) is Clip") == "(44100, [2, 4, 6], True)"
    )
    assert "clip, 3 samples" in kernel.good("loud")
    assert "Clip object at" in kernel.good("loud.preview()")
    kernel.good("%%vertex_step here(loud) -> again:clip --here\nagain = loud")
    assert kernel.good("again.reference().digest == loud.reference().digest") == "True"


def test_a_reader_without_the_codec_is_told_and_runs_nothing(kernel):
    kernel.good(CODEC)
    kernel.good("%%vertex_step louder(clip) -> loud:clip\nloud = clip")
    kernel.restart()
    kernel.good("%load_ext argovx_lab\n%argovx status")
    text = kernel.bad("loud.get()")
    assert "loud cannot be read: the codec clip@2 is not registered here" in text
    assert "argovx_lab.register_codec" in text
    kernel.good(CODEC.replace("version = 'clip', 2", "version = 'clip', 3"))
    assert "the codec clip@2 is not here, but clip@3 is" in kernel.bad("loud.get()")
    kernel.good(CODEC)
    assert kernel.good("loud.get().rate") == "44100"


@pytest.mark.long
def test_a_codec_of_a_module_goes_along_by_its_text(kernel, tmp_path):
    body = (
        CODEC.partition("\nclip = ")[0]
        .replace("@argovx_lab.register_codec\n", "")
        .replace("import argovx_lab, ", "import ")
    )
    kernel.good("import os, sys\nsys.path.insert(0, os.getcwd())")
    kernel.good(f"open('team_clips.py', 'w').write({body!r})")
    kernel.good(
        "import argovx_lab, team_clips\nargovx_lab.register_codec(team_clips.ClipCodec)\nclip = team_clips.Clip(8, [5])"
    )
    kernel.good("%%vertex_step rated(clip) -> rate, same:clip --here\nrate, same = clip.rate, clip")
    assert kernel.good("rate.get(), same.get().samples") == "(8, [5])"


def test_instances_of_the_notebooks_classes_go_by_their_fields(kernel):
    kernel.good(CLASSES)
    kernel.good(
        "%%vertex_step tuned(config, mode, pairs) -> better, seen\n"
        "import dataclasses, os\n"
        "seen = (config.lr, mode.value, pairs[0].right, os.path.exists('made-by-init'))\n"
        "better = [dataclasses.replace(config, lr=1.0)]"
    )
    assert kernel.good("seen.get()") == "(0.1, 'fast', 2, False)"
    assert (
        kernel.good("better.get() == [Config(1.0, [1])], type(better.get()[0]) is Config") == "(True, True)"
    )
    kernel.restart()
    kernel.good("%load_ext argovx_lab\n%argovx status")
    text = kernel.bad("better.get()")
    assert "better cannot be read: its class Config is not defined here" in text
    assert "Run the cell that defines it" in text


@pytest.mark.long
def test_a_whole_notebook_takes_codecs_and_classes_along(kernel):
    kernel.good(CODEC)
    kernel.good(CLASSES)
    kernel.good("%%vertex_step first(clip, config) -> loud:clip, lr --no-wait\nloud, lr = clip, config.lr")
    kernel.good("%%vertex_step second(loud, mode) -> word --no-wait\nword = mode.value * len(loud.samples)")
    kernel.good("%argovx run")
    assert kernel.good("word.get()") == "'fastfastfast'"
