"""How heavy a query is, before it runs.

GitLab: app/graphql/types/base_field.rb, app/graphql/resolvers/base_resolver.rb.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLIncludeDirective,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSkipDirective,
    GraphQLUnionType,
    InlineFragmentNode,
    get_named_type,
)
from graphql.execution import get_argument_values, get_directive_values

from mlops_tui.sandbox.graphql.connections import MAXIMUM_PAGE_SIZE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from graphql import (
        DocumentNode,
        GraphQLNamedType,
        GraphQLSchema,
        OperationDefinitionNode,
        SelectionSetNode,
    )
    from graphql.execution import VariableValues

_SHARE_OF_A_NODE = 0.01
_PAGING = {"first", "last", "after", "before"}


class Analysis:
    """Weighs one operation: every field counts 1, a page of 100 nodes doubles what is below it."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode, variables: VariableValues) -> None:
        self._schema = schema
        self._variables = variables
        self._fragments = {
            definition.name.value: definition
            for definition in document.definitions
            if isinstance(definition, FragmentDefinitionNode)
        }

    def complexity(self, operation: OperationDefinitionNode) -> int:
        """Return the score of an operation; introspection is free."""
        root = self._schema.get_root_type(operation.operation)
        return self._weigh([operation.selection_set], root) if root else 0

    def depth(self, operation: OperationDefinitionNode) -> int:
        """Return how deep the fields of an operation are nested, the innermost included."""
        return self._depth(operation.selection_set)

    def _weigh(self, sets: Sequence[SelectionSetNode], kind: GraphQLNamedType) -> int:
        if isinstance(kind, GraphQLInterfaceType | GraphQLUnionType):
            return max((self._weigh(sets, concrete) for concrete in self._schema.get_possible_types(kind)), default=0)
        if not isinstance(kind, GraphQLObjectType):
            return 0
        merged: dict[str, list[FieldNode]] = {}
        for selections in sets:
            for node in self._fields(selections, kind):
                merged.setdefault(node.alias.value if node.alias else node.name.value, []).append(node)
        return sum(self._weigh_field(nodes, kind) for nodes in merged.values())

    def _weigh_field(self, nodes: Sequence[FieldNode], owner: GraphQLObjectType) -> int:
        definition = owner.fields.get(nodes[0].name.value)
        if definition is None:
            return 0
        below = [node.selection_set for node in nodes if node.selection_set]
        kind = get_named_type(definition.type)
        score = self._weigh(below, kind) + 1
        if not kind.name.endswith("Connection") or set(definition.args) <= _PAGING:
            return score
        arguments = get_argument_values(definition, nodes[0], self._variables)
        score += _searching(arguments)
        sizes = [arguments.get("first"), arguments.get("last"), MAXIMUM_PAGE_SIZE]
        page = min(size for size in sizes if size is not None)
        return int(score + score * page * _SHARE_OF_A_NODE)

    def _fields(self, selections: SelectionSetNode, kind: GraphQLObjectType) -> Iterator[FieldNode]:
        for node in selections.selections:
            if not self._included(node):
                continue
            if isinstance(node, FieldNode):
                yield node
                continue
            fragment = self._fragment(node)
            if fragment is not None and self._applies(fragment, kind):
                yield from self._fields(fragment.selection_set, kind)

    def _fragment(self, node: Any) -> FragmentDefinitionNode | InlineFragmentNode | None:
        if isinstance(node, FragmentSpreadNode):
            return self._fragments.get(node.name.value)
        return node if isinstance(node, InlineFragmentNode) else None

    def _applies(self, fragment: FragmentDefinitionNode | InlineFragmentNode, kind: GraphQLObjectType) -> bool:
        if fragment.type_condition is None:
            return True
        condition = self._schema.get_type(fragment.type_condition.name.value)
        if isinstance(condition, GraphQLInterfaceType | GraphQLUnionType):
            return self._schema.is_sub_type(condition, kind)
        return condition is kind

    def _included(self, node: Any) -> bool:
        skip = get_directive_values(GraphQLSkipDirective, node, self._variables)
        include = get_directive_values(GraphQLIncludeDirective, node, self._variables)
        return not (skip and skip["if"]) and (include is None or bool(include["if"]))

    def _depth(self, selections: SelectionSetNode | None) -> int:
        deepest = 0
        for node in selections.selections if selections else ():
            if isinstance(node, FieldNode):
                if not node.name.value.startswith("__"):
                    deepest = max(deepest, 1 + self._depth(node.selection_set))
                continue
            fragment = self._fragment(node)
            if fragment is not None:
                deepest = max(deepest, self._depth(fragment.selection_set))
        return deepest


def _searching(arguments: dict[str, Any]) -> int:
    """Return what sorting and searching cost; a default order counts, too."""
    return (1 if arguments.get("sort") is not None else 0) + (5 if arguments.get("search") else 0)
