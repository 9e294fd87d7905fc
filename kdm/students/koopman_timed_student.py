"""The networks of kdm-t, its losses (timed_losses.py) and its sampling (koopman_timed.py).

Each sample of a batch passes the encoder at x_T and at k random stored states, one block of n rows after
another, and the decoder once for each of these, to x_0. The first rows also go to a random later time.
"""

from dataclasses import replace
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kdm.batch import Batch
from kdm.coders.timed_coders import TimedPair
from kdm.generator import Generator
from kdm.losses.adversarial import Game
from kdm.objective import Losses, Objective, Pace, Player, weighted
from kdm.shapes import Labels, Latents, Numbers, Samples, Scalar
from kdm.students.adversarial_steps import Own, objective_of
from kdm.students.labels import one_hot, require_known
from kdm.students.student import Student, sampling
from kdm.students.timed_losses import TimedLosses
from kdm.students.timed_steps import Steps
from kdm.students.timed_trace import TimedTrace
from kdm.students.trajectory import Trajectory
from kdm.students.trajectory_points import Points, chosen_starts, onward, starts


class KoopmanTimedStudent(Student):
    """E, A and D, perhaps S. `num_steps` may be set at any time, up to one more than there are states.

    The arguments are the fields of `kdm.students.koopman_timed.KoopmanTimed`, and what they describe.
    Times are numbers of a `Trajectory`: 0 is x_T, K + 1 is x_0. Latents are (n, d).
    """

    operator: Generator
    num_steps: int

    def __init__(
        self,
        coders: TimedPair,
        trajectory: Trajectory,
        *,
        losses: TimedLosses,
        num_classes: int,
        steps: Steps | None,
        warm_up_share: float,
        adversary: Game | None,
        shape: tuple[int, ...],
    ) -> None:
        super().__init__()
        self.encoder, self.decoder, self.stepper = coders.encoder, coders.decoder, coders.stepper
        self.operator = Generator(coders.num_latents)
        self.trajectory, self.num_classes = trajectory, num_classes
        self.num_steps = 1
        self._losses, self._steps, self._warm_up_share = losses, steps, warm_up_share
        self._adversary, self._shape = adversary, shape

    @property
    def nfe(self) -> int:
        """One evaluation a step: of encoder and decoder, or of S alone."""
        return self.num_steps

    def encode(self, x: Samples, number: Numbers, label: Labels | None = None) -> Latents:
        """z(t) = E(x_t, t, y) (n, d) of x (n, ...) in the pairs' units at times (n,) or (1,)."""
        labels = one_hot(label, self.num_classes, like=x)
        scaled = self.trajectory.scaled(x, number)
        z: Latents = self.encoder(scaled, self.trajectory.time[number], labels)
        return z

    def evolve(self, z: Latents, start: Numbers, end: Numbers) -> Latents:
        """z(s) = e^{(t−s)A} z(t) (n, d), from times `start` to times `end`, (n,) or (1,)."""
        time = self.trajectory.time
        return self.operator.evolved(z, time[start] - time[end])

    def decode(self, z: Latents, number: Numbers, label: Labels | None = None) -> Samples:
        """m_s = D(z(s), s, y), over `data_scale` and flat from an MLP; at the last time it is x_0."""
        labels = one_hot(label, self.num_classes, like=z)
        m: Samples = self.decoder(z, self.trajectory.time[number], labels)
        return m

    @torch.no_grad()
    def generate(self, x_T: Samples, label: Labels | None = None, seed: int = 0) -> Samples:
        """x_0^ (n, ...) in the pairs' units, in `num_steps` steps by way of stored times.

        These are evenly spread over all times, or for S over the angle of `Trajectory.turning_stops`.
        Nothing random: `seed` doesn't matter. Raises a ValueError for missing or unknown labels, for
        more steps than there are stored times, and for some but fewer than S was trained for.
        """
        require_known(label, self.num_classes)
        with sampling(self, x_T.device):
            return self._stepped(x_T, label)

    def drawn(self, batch: Batch) -> Samples:
        """x_0^ (n, ...), with gradients through all `num_steps` evaluations."""
        return self._stepped(batch.noise(), batch.label)

    def objective(self) -> Objective:
        """The student, and with an adversary a critic, who steps first and sees x_0^ of x_T.

        While the student warms up it is alone, and its loss is the regression.
        """
        whole = objective_of(
            self,
            self._own,
            networks=(self.encoder, self.decoder),
            game=self._adversary,
            shape=self._shape,
        )
        if self._warm_up_share:
            opening = (Player("student", self, self.measure_warm_up),)
            whole = replace(whole, opening=opening, opening_share=self._warm_up_share)
        if self.stepper is None or self._steps is None:
            return whole
        pace = Pace(rate=self._steps.rate)
        own = Player("stepper", self.stepper, self.measure_steps, lambda _share_done: pace)
        return replace(
            whole,
            players=(*whole.players, own),
            opening=(*whole.opening, own) if whole.opening else (),
            networks=(*whole.networks, self.stepper),
        )

    def inference_modules(self) -> tuple[nn.Module, ...]:
        """All of it: every number also makes samples."""
        own = (self.encoder, self.operator, self.decoder)
        return own if self.stepper is None else (*own, self.stepper)

    def measure(self, batch: Batch) -> Losses:
        """The weighted losses of timed_losses.py, without a critic's part."""
        return self._own.measure(batch)

    @property
    def _own(self) -> Own[TimedTrace]:
        return Own(self.trace, TimedTrace.terms, self._losses.weights)

    def trace(self, batch: Batch) -> TimedTrace:
        """The losses of timed_losses.py; terms of weight 0 aren't computed.

        Random draws in this order: the starts' states, the starts that go on, the later times, and the
        times after these.
        """
        losses = self._losses
        begun = starts(batch, losses.num_states)
        if not losses.goes_later:
            return self._regressed(begun, batch)
        num_rows = batch.num_first(losses.later_share)
        if losses.again:  # samples begin at x_T
            start = torch.arange(num_rows, device=batch.x_0.device)
        else:
            start = chosen_starts(batch, begun, num_rows)
        there = onward(batch, begun.number[start], to_data=not losses.again)
        looks_there = bool(losses.lat or losses.rec)
        z, *z_there = self._encoded([begun, there] if looks_there else [begun], batch)
        moved = self.evolve(z[start], begun.number[start], there.number)
        arrived = [self._at_data(z, begun.number)]
        arrived += [Points(moved, there.number)] if losses.later or losses.again else []
        arrived += [Points(z_there[0], there.number)] if losses.rec else []
        x_0, *m = self._through(self.decoder, arrived, batch)
        predicted = self._predicted(x_0, batch)
        terms = predicted.terms()
        if losses.later:
            terms["later"] = self._distance_to(there, m[0], batch)
        if losses.lat:
            terms["lat"] = F.mse_loss(moved, z_there[0])
        if losses.rec:
            terms["rec"] = self._distance_to(there, m[-1], batch)
        if losses.again:
            terms |= self._again(m[0], there.number, batch)
        return predicted._replace(own_terms=terms)

    def measure_warm_up(self, batch: Batch) -> Losses:
        """pred and pred_states with e^{hA} = 1: x_T and states are regressed to x_0."""
        begun = starts(batch, self._losses.num_states)
        found = self._regressed(begun, batch, rests=True)
        return weighted(found.terms(), self._losses.weights)

    def measure_steps(self, batch: Batch) -> Losses:
        """The loss of S: d(x_0^, x_0) in `steps.count` evaluations, through all of them."""
        assert self._steps is not None  # only then it is a player
        num_rows, scale = batch.num_first(self._steps.share), self.trajectory.data_scale
        x_0, x_T = batch.x_0[:num_rows], batch.noise()[:num_rows]
        label = None if batch.label is None else batch.label[:num_rows]
        made = self._by_stepper(x_T, label, self._steps.count)
        return weighted({"steps": self._losses.distance.distance(made / scale, x_0 / scale)}, {})

    def _by_stepper(self, x_T: Samples, label: Labels | None, num_steps: int) -> Samples:
        """x_0^ of x_T (n, ...), each step one evaluation of S."""
        stops = self.trajectory.turning_stops(num_steps)
        x, number = x_T, partial(torch.full, (1,), dtype=torch.int64, device=x_T.device)
        for start, end in zip(map(number, stops), map(number, stops[1:]), strict=False):
            m = self._moved(x, start, end, label).to(x_T.dtype)
            x = self.trajectory.state(m, x_T, end)
        return x

    def _moved(self, x: Samples, start: Numbers, end: Numbers, label: Labels | None) -> Samples:
        """m at times `end` of x (n, ...) at times `start`, over `data_scale`, by S and e^{hA}.

        A learns from E and D alone, as S has an optimiser of its own.
        """
        assert self.stepper is not None
        labels = one_hot(label, self.num_classes, like=x)
        scaled = self.trajectory.scaled(x, start)
        z: Latents = self.stepper(scaled, self.trajectory.time[start], labels)
        time = self.trajectory.time
        return self.operator.evolved(z, time[start] - time[end], learns=False).reshape(x.shape)

    def _stepped(self, x_T: Samples, label: Labels | None) -> Samples:
        if self._steps is not None and self.num_steps > 1:
            self._steps.require(self.num_steps)
            return self._by_stepper(x_T, label, self.num_steps)
        stops = self.trajectory.stops(self.num_steps)
        x, number = x_T, partial(torch.full, (1,), dtype=torch.int64, device=x_T.device)
        for start, end in zip(map(number, stops), map(number, stops[1:]), strict=False):
            z = self.evolve(self.encode(x, start, label), start, end)
            m = self.decode(z, end, label).to(x_T.dtype).reshape(x_T.shape)
            x = self.trajectory.state(m, x_T, end)
        return x

    def _regressed(self, begun: Points, batch: Batch, *, rests: bool = False) -> TimedTrace:
        (z,) = self._encoded([begun], batch)
        at_data = self._at_data(z, begun.number)
        arrived = at_data._replace(x=z) if rests else at_data
        (x_0,) = self._through(self.decoder, [arrived], batch)
        return self._predicted(x_0, batch)

    def _again(self, m: Samples, number: Numbers, batch: Batch) -> dict[str, Scalar]:
        """The losses of going on from the student's own states, which m (m, ...) gives at these times."""
        x_T, x_0 = batch.noise()[: len(m)], batch.x_0[: len(m)] / self.trajectory.data_scale
        own = Points(self.trajectory.state(m.reshape_as(x_T), x_T, number), number)
        (z,) = self._encoded([own], batch)
        there = onward(batch, number)
        arrived = [self._at_data(z, number)]
        if self._losses.later:
            arrived.append(Points(self.evolve(z, number, there.number), there.number))
        made, *m_there = self._through(self.decoder, arrived, batch)
        terms = {"again": self._losses.distance.distance(made.reshape_as(x_0), x_0)}
        if m_there:
            terms["again_later"] = self._distance_to(there, m_there[0], batch)
        return terms

    def _at_data(self, z: Latents, number: Numbers) -> Points:
        """Latents (r, d) carried from times (r,) to data."""
        data = torch.full_like(number, self.trajectory.last)
        return Points(self.evolve(z, number, data), data)

    def _encoded(self, points: list[Points], batch: Batch) -> tuple[Latents, ...]:
        """z (r, d) of each of the points, all in one pass."""
        scaled = [each._replace(x=self.trajectory.scaled(*each)) for each in points]
        return self._through(self.encoder, scaled, batch)

    def _predicted(self, made: Samples, batch: Batch) -> TimedTrace:
        """pred and pred_states of x_0^ (r, ...), block after block; x_0 passes d's network once."""
        x_0 = batch.x_0 / self.trajectory.data_scale
        blocks = made.reshape(-1, *x_0.shape)
        pred, *others = self._losses.distance.distances(list(blocks), x_0)
        terms = {"pred": pred}
        if others:
            terms["pred_states"] = torch.stack(others).mean()
        return TimedTrace(x_0, blocks[0], terms)

    def _distance_to(self, points: Points, m: Samples, batch: Batch) -> Scalar:
        """The mean square of m (m, ...) from what points of the first rows hold beyond their noise."""
        x_T = batch.noise()[: len(points.number)]
        wanted = self.trajectory.beyond_noise(points.x, x_T, points.number)
        return F.mse_loss(m.reshape_as(wanted), wanted)

    def _through(self, network: nn.Module, given: list[Points], batch: Batch) -> tuple[Tensor, ...]:
        """Each one's x or z (r, ...) at its times (r,) through E or D, all as one batch.

        These are blocks of the batch's rows, or its first rows, so that row i has label i modulo n.
        """
        x, number = (torch.cat(each) for each in zip(*given, strict=True))
        labels = one_hot(batch.label, self.num_classes, like=x)
        if labels is not None:
            rows = [torch.arange(len(each.number), device=x.device) for each in given]
            labels = labels[torch.cat(rows) % len(labels)]
        made: Tensor = network(x, self.trajectory.time[number], labels)
        return torch.split(made, [len(each.number) for each in given])
