"""U-Nets of every kind: shapes, gradients and what they refuse."""

import pytest
import torch

from kdm.networks.build import PRECONDITIONERS, build_edm, build_guided

SMALL = {"img_resolution": 16, "img_channels": 3, "model_channels": 32, "channel_mult": [1, 2]}
SMALL |= {"num_blocks": 1, "attn_resolutions": [8], "label_dim": 4, "augment_dim": 9}
GUIDED = {"in_channels": 3, "out_channels": 3, "model_channels": 32, "channel_mult": [1, 2]}
GUIDED |= {"num_res_blocks": 1, "attention_resolutions": [2]}
X = torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("encoder", ["standard", "skip", "residual"])
@pytest.mark.parametrize("decoder", ["standard", "skip"])
def test_every_weight_of_a_song_unet_learns(encoder: str, decoder: str) -> None:
    kind = {"model_type": "SongUNet", "encoder_type": encoder, "decoder_type": decoder}
    net = build_edm("EDMPrecond", SMALL | kind | {"resample_filter": [1, 3, 3, 1]})
    out = net(X, torch.tensor([0.5, 2.0]), torch.eye(4)[:2], torch.randn(2, 9))
    out.square().sum().backward()
    assert out.shape == X.shape
    assert [name for name, p in net.named_parameters() if p.grad is None] == []


def test_a_skip_network_has_an_output_at_every_level() -> None:
    kind = {"model_type": "SongUNet", "encoder_type": "skip", "decoder_type": "skip"}
    names = build_edm("EDMPrecond", SMALL | kind).state_dict()
    assert "model.enc.8x8_aux_skip.weight" in names
    assert "model.enc.8x8_aux_down.resample_filter" in names
    assert "model.dec.8x8_aux_conv.weight" in names
    assert "model.dec.16x16_aux_up.resample_filter" in names


@pytest.mark.parametrize("model", ["SongUNet", "DhariwalUNet"])
@pytest.mark.parametrize("precond", list(PRECONDITIONERS))
def test_a_denoiser_leaves_clean_images_as_they_are(precond: str, model: str) -> None:
    torch.manual_seed(0)
    net = build_edm(precond, SMALL | {"model_type": model, "label_dropout": 0.1}).eval()
    denoised = net(X, torch.tensor(1e-3), None)
    assert torch.allclose(denoised, X, atol=1e-2)


def test_levels_of_improved_ddpm_are_the_published_ones() -> None:
    net = build_edm("iDDPMPrecond", SMALL)
    assert net.sigma_min == pytest.approx(0.0064223, rel=1e-4)
    assert net.sigma_max == pytest.approx(20291.2, rel=1e-4)
    assert float(net.round_sigma(torch.tensor(80.0).double())) == pytest.approx(80.2037, rel=1e-5)
    assert "u" in net.state_dict()


def test_levels_of_vp_are_the_published_ones() -> None:
    net = build_edm("VPPrecond", SMALL)
    assert net.sigma_min == 0.0009765625
    assert net.sigma_max == pytest.approx(152.167, rel=1e-5)


def test_hiding_all_labels_is_giving_none() -> None:
    torch.manual_seed(0)
    net = build_edm("EDMPrecond", SMALL | {"label_dropout": 0.999999, "dropout": 0.0}).train()
    sigma = torch.tensor(1.0)
    assert torch.equal(net(X, sigma, torch.eye(4)[:2]), net(X, sigma, None))


@pytest.mark.parametrize("film", [True, False])
@pytest.mark.parametrize("learned", [True, False])
@pytest.mark.parametrize("blocks", [True, False])
def test_a_guided_unet_resamples_in_three_ways(film: bool, learned: bool, blocks: bool) -> None:
    how = {"use_scale_shift_norm": film, "conv_resample": learned, "resblock_updown": blocks}
    net = build_guided(GUIDED | how)
    v = net(X, torch.tensor(0.5))
    v.sum().backward()
    assert v.shape == X.shape
    assert "input_blocks.3.0.in_layers.0.weight" in net.state_dict()
    assert ("input_blocks.2.0.op.weight" in net.state_dict()) == (learned and not blocks)


def test_no_label_is_the_null_label() -> None:
    net = build_guided(GUIDED | {"num_classes": 5}).eval()
    torch.nn.init.normal_(net.out[2].weight)
    null = torch.full((2,), 5)
    assert torch.equal(net(X, torch.tensor(0.5)), net(X, torch.full((2,), 0.5), null))


def test_a_network_without_a_null_label_asks_for_labels() -> None:
    given = {"dim": [1, 28, 28], "num_channels": 32, "num_res_blocks": 1}
    net = build_guided(given | {"num_classes": 10, "class_cond": True})
    x, t = torch.randn(2, 1, 28, 28), torch.tensor(0.5)
    assert net(x, t, torch.tensor([3, 9])).shape == x.shape
    with pytest.raises(ValueError, match="give every image a label from 0 to 9"):
        net(x, t)


def test_a_misspelt_keyword_names_the_right_one() -> None:
    with pytest.raises(ValueError, match="channel_mult"):
        build_edm("EDMPrecond", SMALL | {"model_type": "SongUNet", "chanel_mult": [1]})
    with pytest.raises(ValueError, match="no preconditioner 'EMDPrecond'"):
        build_edm("EMDPrecond", SMALL)


@pytest.mark.parametrize("model", ["SongUNet", "DhariwalUNet"])
def test_half_the_digits_give_nearly_the_same_image(model: str) -> None:
    torch.manual_seed(0)
    kind = {"model_type": model, "resample_filter": [1, 3, 3, 1], "encoder_type": "residual"}
    net = build_edm("EDMPrecond", SMALL | (kind if model == "SongUNet" else {"model_type": model}))
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter, std=0.05)
    full, half = (net.eval()(X, torch.ones(2), dtype=d) for d in (torch.float32, torch.bfloat16))
    assert half.dtype == torch.float32
    assert 0 < (half - full).abs().max() < 0.05 * full.abs().max()


def test_adm_starts_from_weights_drawn_as_the_released_code_draws_them() -> None:
    torch.manual_seed(0)
    net = build_edm("EDMPrecond", SMALL | {"model_type": "DhariwalUNet", "label_dim": 100})
    held = {name.removeprefix("model."): each for name, each in net.named_parameters()}
    ends = ("conv1.weight", "conv1.bias", "proj.weight", "proj.bias", "map_augment.weight")
    still = [each for name, each in held.items() if name.endswith(ends) or "out_conv" in name]
    assert not any(each.any() for each in still)
    assert held["map_label.weight"].std().item() == pytest.approx(1, abs=0.1)
    for name in ("map_layer1.weight", "enc.8x8_block0.conv0.weight", "enc.8x8_block0.affine.bias"):
        fan_in = held[name.replace("bias", "weight")][0].numel()
        assert held[name].std().item() == pytest.approx((3 * fan_in) ** -0.5, rel=0.15), name
