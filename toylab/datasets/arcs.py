"""Curves as many short circular arcs, to which distances have a closed form."""

import numpy as np
from scipy.spatial import KDTree

CANDIDATES_AT_ONCE = 1 << 14  # whose numbers stay in the cache


class Arcs:
    """Circular arcs through every three consecutive points of polylines.

    `polylines`: arrays [2 k + 1, 2] of points evenly spaced along a curve; each gives k arcs, from its
    points 0, 1, 2, then 2, 3, 4 and so on. The plane is that of complex numbers. Each arc has its own frame,
    with the origin at its middle and the real axis along its tangent there: it ends at
    +-half_chord + i sagitta. Three equal points are an arc of no length. `corners`: the curve may turn sharply
    where arcs meet.
    """

    def __init__(self, polylines: list[np.ndarray], corners: bool = False) -> None:
        lines = [_complex(line) for line in polylines]
        triples = np.concatenate([np.stack([line[:-2:2], line[1::2], line[2::2]], -1) for line in lines])
        start, middle, end = triples.T
        self._middle = middle
        chord = np.abs(end - start)
        self._half_chord = chord / 2
        self._tangent = np.where(chord > 0, end - start, 1) / np.where(chord > 0, chord, 1)
        self._sagitta = (((start + end) / 2 - middle) * self._tangent.conj()).imag
        self._curvature = 2 * self._sagitta / np.where(chord > 0, self._half_chord**2 + self._sagitta**2, 1)
        self._size = chord.sum()

        last = np.cumsum([len(line) // 2 for line in lines]) - 1
        first = np.append(0, last[:-1] + 1)
        if corners:
            first = np.arange(len(middle))
        landmarks = np.concatenate([middle, start[first], end[last]])
        self._owner = np.concatenate([np.arange(len(middle)), first, last])
        self._tree = KDTree(np.stack([landmarks.real, landmarks.imag], -1), leafsize=32)  # 10 takes a tenth longer
        self._reach = np.abs([middle - start, end - middle]).max() * 1.001
        self._sharpest = np.abs(self._curvature).max()

    def distance(self, x: np.ndarray) -> np.ndarray:
        """[m], the distance of each x [m, 2] to the nearest arc.

        Points more than 10^6 lengths away are first moved to there, towards the origin, and the way is
        added: farther out all arcs seem equally distant, and squares overflow.
        """
        far = np.hypot(x[:, 0], x[:, 1])
        reach = 1e6 * self._size
        near = x * np.minimum(1, reach / np.maximum(far, self._size))[:, None]
        return self._nearest(near, 3) + (far - np.minimum(far, reach))

    def _nearest(self, x, candidates):
        """The distances [m], sought among the arcs of a few `candidates` first."""
        candidates = min(candidates, self._tree.n)
        rows = max(1, CANDIDATES_AT_ONCE // candidates)
        pieces = [self._search(x[i : i + rows], candidates) for i in range(0, len(x), rows)]
        return np.concatenate(pieces) if pieces else np.empty(0)

    def _search(self, x, candidates):
        """Least distance to the arcs of the nearest landmarks, of four times as many where that is uncertain.

        Landmarks are the middles of all arcs, the ends of all strokes, and the corners. The nearest point of the
        curve is either an end or a corner, or lies on an arc whose middle is at most
        sqrt(d^2 + reach^2 (1 + curvature d)) away, if d is its distance: once the last landmark looked at is
        farther, no other arc can win.
        """
        to_landmark, nearest = self._tree.query(x, k=candidates)
        found = self._to_arcs(x, self._owner[nearest]).min(-1)
        unsure = to_landmark[:, -1] ** 2 < found**2 + self._reach**2 * (1 + self._sharpest * found)
        if candidates < self._tree.n and unsure.any():
            found[unsure] = self._nearest(x[unsure], 4 * candidates)
        return found

    def _to_arcs(self, x, arcs):
        """Distances [m, k] of each x [m, 2] to its arcs [m, k].

        With v a place in the arc's frame and c its curvature, gap = c |v|^2 - 2 Im v makes
        gap / (1 + sqrt(1 + c gap)) the signed distance to its circle, and to its line when c = 0.
        """
        half_chord, sagitta, curvature = self._half_chord[arcs], self._sagitta[arcs], self._curvature[arcs]
        place = (_complex(x)[:, None] - self._middle[arcs]) * self._tangent[arcs].conj()
        along, across = np.abs(place.real), place.imag
        beside = along * (1 - curvature * sagitta) <= half_chord * (1 - curvature * across)
        gap = curvature * (along**2 + across**2) - 2 * across
        to_circle = np.abs(gap) / (1 + np.sqrt(np.maximum(1 + curvature * gap, 0)))
        to_end = np.hypot(along - half_chord, across - sagitta)
        return np.where(beside, to_circle, to_end)


def _complex(x):
    """x [m, 2] as complex numbers [m]: by no product, for which BLAS would wake its threads."""
    return np.ascontiguousarray(x, dtype=np.float64).view(np.complex128)[:, 0]
