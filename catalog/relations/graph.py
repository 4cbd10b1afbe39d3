"""The records around one, as a graph in layers: what it comes from on the left, what comes from it on the right."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.db.models import Q

from catalog.models import Dataset, DatasetRelation, RelationKind

DEPTH = 2
NODE_LIMIT = 40
WIDTH, HEIGHT, ACROSS, DOWN = 216, 52, 300, 72
"""A node's size and the distances between nodes, in SVG units."""
WORDS = 15


@dataclass
class Node:
    """A record at its place; ``layer`` is 0 for the one in question, lower for what it comes from."""

    dataset: Dataset
    layer: int
    x: int = 0
    y: int = 0

    @property
    def label(self) -> str:
        """As much of the title as fits."""
        title = self.dataset.title
        return title if len(title) <= WORDS else f"{title[: WORDS - 1]}…"

    @property
    def provider(self) -> str:
        name = str(self.dataset.provider)
        return name if len(name) <= WORDS + 2 else f"{name[: WORDS + 1]}…"

    @property
    def text_x(self) -> int:
        return self.x + 12

    @property
    def title_y(self) -> int:
        return self.y + 22

    @property
    def provider_y(self) -> int:
        return self.y + 40


@dataclass(frozen=True)
class Edge:
    """``left`` is what ``right`` derives from, is part of or replaces; ``path`` draws it."""

    left: Node
    right: Node
    kind: RelationKind

    @property
    def path(self) -> str:
        x1, y1 = self.left.x + WIDTH, self.left.y + HEIGHT // 2
        x2, y2 = self.right.x, self.right.y + HEIGHT // 2
        if x2 <= x1:
            x1, x2 = self.left.x + WIDTH // 2, self.right.x + WIDTH // 2
        bend = max(40, abs(x2 - x1) // 2)
        return f"M{x1} {y1} C{x1 + bend} {y1} {x2 - bend} {y2} {x2} {y2}"


@dataclass
class Graph:
    """Nodes and edges with their drawing's size; ``is_cut`` when there are more records than are drawn."""

    nodes: list[Node] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    is_cut: bool = False
    width: int = 0
    height: int = 0


def around(dataset: Dataset, groups: list[int], depth: int = DEPTH) -> Graph:
    """The records within ``depth`` steps that readers of ``groups`` may see; two queries a step."""
    graph = Graph()
    found: dict[UUID, Node] = {dataset.pk: Node(dataset, 0)}
    rows: dict[int, DatasetRelation] = {}
    border = [dataset.pk]
    for _step in range(depth):
        near = DatasetRelation.objects.filter(Q(dataset__in=border) | Q(target__in=border)).order_by("id")
        relations = [row for row in near[: NODE_LIMIT * 4] if row.pk not in rows]
        wanted = {pk for row in relations for pk in (row.dataset_id, row.target_id)} - found.keys()
        readable = Dataset.objects.readable_by(groups).filter(pk__in=wanted).select_related("provider").in_bulk()
        border = _place(relations, readable, found, graph)
        rows |= {row.pk: row for row in relations}
        if not border:
            break
    for _pk, row in sorted(rows.items()):
        if row.dataset_id in found and row.target_id in found:
            graph.edges.append(Edge(found[row.target_id], found[row.dataset_id], RelationKind(row.kind)))
    graph.nodes = list(found.values())
    _lay_out(graph)
    return graph


def _place(
    relations: Sequence[DatasetRelation], readable: dict[UUID, Dataset], found: dict[UUID, Node], graph: Graph
) -> list[UUID]:
    """Give the records at the other end of ``relations`` their layers; returns those that are new."""
    new: list[UUID] = []
    for row in relations:
        for known, other, step in ((row.dataset_id, row.target_id, -1), (row.target_id, row.dataset_id, 1)):
            if known not in found or other in found or other not in readable:
                continue
            if len(found) >= NODE_LIMIT:
                graph.is_cut = True
                continue
            found[other] = Node(readable[other], found[known].layer + step)
            new.append(other)
    return new


def _lay_out(graph: Graph) -> None:
    layers: dict[int, list[Node]] = defaultdict(list)
    for node in graph.nodes:
        layers[node.layer].append(node)
    tallest = max(len(nodes) for nodes in layers.values())
    for column, layer in enumerate(sorted(layers)):
        nodes = layers[layer]
        top = (tallest - len(nodes)) * DOWN // 2
        for row, node in enumerate(nodes):
            node.x, node.y = column * ACROSS + 2, top + row * DOWN + 2
    graph.width = (len(layers) - 1) * ACROSS + WIDTH + 4
    graph.height = (tallest - 1) * DOWN + HEIGHT + 4
