"""ONNX files: the same maps as PyTorch at every size, without PyTorch; what is no such file is refused in words."""

import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage.data
import torch

from iea40k.baselines import BASELINES
from iea40k.colour import decode_srgb, encode_srgb
from iea40k.errors import AlreadyExistsError, BadInputError
from iea40k.model import onnx_export
from iea40k.model.inference import predict_with_scale
from iea40k.model.loading import load_predictor
from iea40k.model.networks import build
from iea40k.model.networks.plain_graphs import UNSAYABLE
from iea40k.model.onnx_export import export_onnx
from iea40k.model.onnx_weights import load_onnx
from iea40k.model.predict import PredictOptions, predict_image
from iea40k.model.weights import Weights, load_weights, save_weights
from iea40k.residuals import luma

onnx = pytest.importorskip("onnx")
torch.set_num_threads(1)


def ladder(references):
    """Yield three exposures of finished pictures, with their labels."""
    for reference in references:
        for ev in (-2.0, 0.0, 2.0):
            image = encode_srgb(decode_srgb(np.ascontiguousarray(reference)) * np.float32(2.0**ev))
            yield image, luma(np.ascontiguousarray(reference)) - luma(image)


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    path = tmp_path_factory.mktemp("onnx") / "net.onnx"
    done = export_onnx(load_weights("curve_net"), path)
    assert done.difference < 1e-5
    return path


@pytest.mark.parametrize("size", [(32, 32), (64, 512), (301, 157), (700, 900), (20, 24)])
def test_maps_equal_those_of_pytorch_at_any_size(exported, size):
    image = cv2.resize(skimage.data.astronaut(), size[::-1], interpolation=cv2.INTER_AREA)
    found = load_onnx(exported)
    weights = load_weights("curve_net")
    if min(size) >= 32:
        wanted = predict_with_scale(weights.network, image)
        got = found.with_scale(image)
        np.testing.assert_allclose(got[0], wanted[0], atol=1e-4)
        np.testing.assert_allclose(got[1], wanted[1], atol=1e-4)
        np.testing.assert_allclose(
            predict_image(found, image, PredictOptions(flips=True)).residual,
            predict_image(weights, image, PredictOptions(flips=True)).residual,
            atol=1e-4,
        )
    assert predict_image(found, image).residual.shape == size


def test_what_the_weights_say_comes_along(exported):
    found, weights = load_predictor(exported), load_weights("curve_net")
    assert (found.name, found.facts) == ("curve_net", weights.facts)
    assert found.sees_whole
    assert found.has_scale
    assert pickle.loads(pickle.dumps(found)).name == "curve_net"  # for another process


_PREDICT = """
import sys


class Missing:  # as if PyTorch were not installed

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "safetensors"):
            raise ModuleNotFoundError(name, name=name)


sys.meta_path.insert(0, Missing())
from pipelines.cli.program import run
code = run(["predict", sys.argv[1], sys.argv[2], "-o", sys.argv[3], "--json"])
assert "torch" not in sys.modules
sys.exit(code)
"""


def test_predict_needs_no_torch(exported, tmp_path):
    image = skimage.data.coffee()
    cv2.imwrite(str(tmp_path / "coffee.png"), image[..., ::-1])
    command = [
        sys.executable,
        "-c",
        _PREDICT,
        str(exported),
        str(tmp_path / "coffee.png"),
        str(tmp_path / "out"),
    ]
    root = Path(__file__).parents[3]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = np.load(tmp_path / "out" / "coffee_residual.npy")
    wanted = predict_image(load_weights("curve_net"), image).residual
    np.testing.assert_allclose(found, wanted, atol=1e-4)


def test_a_large_picture_is_shrunk_for_the_graph_and_keeps_its_size(exported, monkeypatch):
    monkeypatch.setattr("iea40k.model.onnx_weights.MOST_PIXELS", 128 * 128)
    image = cv2.GaussianBlur(skimage.data.astronaut(), (0, 0), 6)
    found = load_onnx(exported)
    small = found.residual(image)
    monkeypatch.undo()
    assert small.shape == image.shape[:2]
    assert np.abs(small - found.residual(image)).mean() < 0.01


def test_a_file_is_not_overwritten_and_a_wrong_one_is_not_kept(exported, tmp_path, monkeypatch):
    with pytest.raises(AlreadyExistsError):
        export_onnx(load_weights("curve_net"), exported)
    monkeypatch.setattr(onnx_export, "LARGEST_DIFFERENCE", -1.0)
    with pytest.raises(BadInputError, match="would not say"):
        export_onnx(load_weights("curve_net"), tmp_path / "wrong.onnx")
    assert list(tmp_path.iterdir()) == []


PLAIN = tuple(name for name in BASELINES if name not in UNSAYABLE)
VARIANTS = {
    "shipped": ("p_ieanet_s", {}),
    "whole": ("p_ieanet", {"widths": (8, 16, 32), "depth": 2}),
    "daubechies": ("p_ieanet", {"widths": (8, 16), "depth": 1, "wavelet": "daubechies"}),
    "symlet, direct": ("p_ieanet", {"widths": (8, 16), "depth": 1, "wavelet": "symlet", "output": "direct"}),
    "no wavelet": ("p_ieanet", {"widths": (8, 16, 32), "depth": 1, "wavelet": "none"}),
    "one module": ("p_ieanet", {"widths": (16,), "depth": 1, "structure": False}),
    "unet_s": ("unet_s", {}),
    "messias": ("messias", {"width": 4, "attention": 4}),
    "uec": ("uec", {}),
    "curve_net, curve alone": ("curve_net", {"widths": (8, 8, 8, 8), "side": 64, "local": False}),
    "curve_net, two branches": (
        "curve_net",
        {"widths": (8, 8, 8, 8), "side": 64, "second": 16, "rungs": (-2, 0, 2)},
    ),
    **{name: (name, {}) for name in PLAIN},
}


def made(name, changes):
    """Return weights of a network: those that are shipped, fitted ones of a baseline, or drawn ones."""
    if name == "p_ieanet_s":
        return load_weights(name)
    torch.manual_seed(3)
    network = build(name, changes).eval()
    if name in BASELINES:
        network.fit(ladder([cv2.resize(skimage.data.coffee(), (96, 64)), skimage.data.chelsea()[:90, :120]]))
    else:
        with torch.no_grad():  # what begins as zero, such as a head, would be compared in vain
            for parameter in network.parameters():
                parameter.add_(torch.randn_like(parameter), alpha=0.03)
    if name == "uec":
        seen = cv2.resize(skimage.data.astronaut(), (288, 192)).transpose(2, 0, 1)
        network.get_buffer("reference").copy_(torch.from_numpy(seen))
    return Weights(network, name, changes, {})


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_network_says_in_onnx_what_it_says_in_pytorch_at_any_size(variant, tmp_path):
    weights = made(*VARIANTS[variant])
    done = export_onnx(weights, tmp_path / "net.onnx")
    assert done.difference <= 1e-4
    found = load_onnx(done.path)
    moved = 0.0
    for size in ((33, 47), (128, 96), (201, 330), (20, 24)):  # none of those that export itself tries
        image = cv2.resize(skimage.data.astronaut(), size[::-1], interpolation=cv2.INTER_AREA)
        image = (image * 0.5).astype(np.uint8)
        wanted = predict_image(weights, image, PredictOptions(short_side=0)).residual
        got = predict_image(found, image, PredictOptions(short_side=0)).residual
        np.testing.assert_allclose(got, wanted, atol=1e-4, err_msg=str(size))
        moved = max(moved, float(np.ptp(wanted)))
    assert moved > 0.01 or variant == "zero"


def test_the_released_network_keeps_its_one_size(tmp_path):
    torch.manual_seed(1)
    weights = Weights(build("wavelet_net").eval(), "wavelet_net", {}, {})
    with torch.no_grad():  # the released weights say much by their gradients; drawn ones hardly anything
        for parameter in weights.network.encoder.parameters():
            parameter.mul_(2)
    found = load_onnx(export_onnx(weights, tmp_path / "net.onnx").path)
    assert found.fixed_side == 256
    image = skimage.data.chelsea()
    for native in (False, True):
        wanted = predict_image(weights, image, PredictOptions(native=native)).residual
        got = predict_image(found, image, PredictOptions(native=native)).residual
        np.testing.assert_allclose(got, wanted, atol=1e-4)
    assert torch.backends.mha.get_fastpath_enabled()  # only the export did without


def test_tiles_and_squares_are_those_of_pytorch(tmp_path):
    weights = load_weights("p_ieanet_s")
    found = load_onnx(export_onnx(weights, tmp_path / "net.onnx").path)
    image = skimage.data.astronaut()[:200, :300]
    options = PredictOptions(short_side=0, tile=128, overlap=32)
    wanted = predict_image(weights, image, options).residual
    np.testing.assert_allclose(predict_image(found, image, options).residual, wanted, atol=1e-4)
    assert np.abs(wanted - predict_image(weights, image, PredictOptions(short_side=0)).residual).max() > 0.01
    square = {"training": {"data": {"view": "official", "size": 64}}}
    maps = [
        predict_image(replace(w, facts={**w.facts, **square}), image, PredictOptions(native=native)).residual
        for native in (False, True)
        for w in (weights, found)
    ]
    assert [m.shape for m in maps] == [(200, 300), (200, 300), (64, 64), (64, 64)]
    np.testing.assert_allclose(maps[1], maps[0], atol=1e-4)
    np.testing.assert_allclose(maps[3], maps[2], atol=1e-4)


class Unsayable(torch.nn.Module):
    """Sorts by a complex transform, which ONNX at this version has no word for."""

    def forward(self, image):
        return torch.fft.fft2(image).real.mean(1, keepdim=True)


def test_a_network_that_onnx_cannot_say_is_named_with_its_reason(tmp_path, monkeypatch):
    with pytest.raises(BadInputError, match=r"(?s)trees cannot be said in ONNX.*OpenCV") as error:
        export_onnx(made("trees", {}), tmp_path / "t.onnx")
    assert error.value.remedy
    with pytest.raises(BadInputError, match="was not fitted"):
        export_onnx(Weights(build("gain").eval(), "gain", {}, {}), tmp_path / "g.onnx")
    with pytest.raises(BadInputError, match="unet_s cannot be said in ONNX"):
        export_onnx(Weights(Unsayable().eval(), "unet_s", {}, {}), tmp_path / "u.onnx")
    assert list(tmp_path.iterdir()) == []


def test_another_network_no_onnx_and_another_version_are_refused_in_words(exported, tmp_path):
    model = onnx.load(str(exported))
    other = tmp_path / "other.onnx"
    del model.metadata_props[:]
    onnx.save(model, str(other))
    with pytest.raises(BadInputError, match="another network"):
        load_predictor(other)
    (tmp_path / "text.onnx").write_bytes(b"no graph")
    with pytest.raises(BadInputError, match="cannot be run as ONNX"):
        load_predictor(tmp_path / "text.onnx")
    onnx.helper.set_model_props(model, {"iea40k": '{"format": 2, "network": "x"}'})
    onnx.save(model, str(other))
    with pytest.raises(BadInputError, match="another format version"):
        load_predictor(other)
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Relu", ["x"], ["y"])],
        "another",
        *([onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, 10])] for name in "xy"),
    )
    opset = [onnx.helper.make_opsetid("", onnx_export.OPSET)]
    lying = onnx.helper.make_model(graph, opset_imports=opset, ir_version=model.ir_version)
    onnx.helper.set_model_props(lying, {"iea40k": '{"format": 1, "network": "curve_net"}'})
    onnx.save(lying, str(other))
    with pytest.raises(BadInputError, match="not what its header says") as error:
        load_predictor(other)
    assert "x of 2 axes" in str(error.value)
    onnx.helper.set_model_props(model, {"iea40k": "[]"})
    onnx.save(model, str(other))
    with pytest.raises(BadInputError, match="not what weights say"):
        load_predictor(other)
    with pytest.raises(BadInputError, match="no such weights"):
        load_predictor(tmp_path / "gone.onnx")
    with pytest.raises(BadInputError, match="predict only"):
        load_weights(exported)


def test_safetensors_of_another_format_version_are_refused(tmp_path, monkeypatch):
    network = load_weights("curve_net")
    monkeypatch.setattr("iea40k.model.weights.FORMAT", 2)
    facts = {"licence": "none", "trained_on": "nothing"}
    save_weights(tmp_path / "new.safetensors", network.network, "curve_net", network.config, facts)
    with pytest.raises(BadInputError, match="another format version"):
        load_weights(tmp_path / "new.safetensors")


def test_facts_are_those_of_predictions_by_pytorch(exported):
    image = skimage.data.chelsea()
    first, second = (predict_image(w, image).facts for w in (load_onnx(exported), load_weights("curve_net")))
    assert first["score"] == pytest.approx(second["score"], abs=1e-3)
    assert set(first) == set(second)
    assert replace(load_onnx(exported), smallest=64).residual(image[:40, :40]).shape == (40, 40)
