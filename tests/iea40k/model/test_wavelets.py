"""The wavelet filters against what defines them: orthonormality, vanishing moments, exact reconstruction."""

import pytest
import torch

from iea40k.model.networks.wavelets import _FILTERS, Analysis, Synthesis

MOMENTS = {"haar": 1, "daubechies": 2, "symlet": 4}


@pytest.mark.parametrize("wavelet", MOMENTS)
def test_filters_are_orthonormal_to_their_even_shifts(wavelet):
    low = torch.tensor(_FILTERS[wavelet], dtype=torch.float64)
    for shift in range(0, len(low), 2):
        product = (low[shift:] * low[: len(low) - shift]).sum()
        assert product.item() == pytest.approx(1.0 if shift == 0 else 0.0, abs=1e-12)


@pytest.mark.parametrize("wavelet", MOMENTS)
def test_high_pass_kills_polynomials_up_to_its_moments(wavelet):
    low = torch.tensor(_FILTERS[wavelet], dtype=torch.float64)
    position = torch.arange(len(low), dtype=torch.float64)
    high = low.flip(0) * (-1) ** position
    for power in range(MOMENTS[wavelet]):
        assert (high * position**power).sum().item() == pytest.approx(0, abs=1e-8)
    assert abs((high * position ** MOMENTS[wavelet]).sum().item()) > 0.1


@pytest.mark.parametrize("wavelet", MOMENTS)
@pytest.mark.parametrize("size", [(8, 8), (10, 8), (34, 50)])
def test_reconstruction_is_exact_at_any_even_size(wavelet, size):
    image = torch.rand(2, 3, *size)
    low, high = Analysis(wavelet, 3)(image)
    assert low.shape == (2, 3, size[0] // 2, size[1] // 2)
    assert high.shape == (2, 9, size[0] // 2, size[1] // 2)
    torch.testing.assert_close(Synthesis(wavelet, 3)(low, high), image, atol=2e-6, rtol=0)


def test_haar_bands_of_a_step_edge():
    image = torch.zeros(1, 1, 2, 2)
    image[..., 1] = 1.0  # dark left, bright right
    low, high = Analysis("haar", 1)(image)
    assert low.item() == pytest.approx(1.0)
    assert high.flatten().tolist() == pytest.approx([-1.0, 0.0, 0.0], abs=1e-6)


@pytest.mark.parametrize("wavelet", MOMENTS)
def test_energy_is_kept(wavelet):
    image = torch.rand(1, 2, 16, 24)
    low, high = Analysis(wavelet, 2)(image)
    assert (low.square().sum() + high.square().sum()).item() == pytest.approx(
        image.square().sum().item(), rel=1e-5
    )
