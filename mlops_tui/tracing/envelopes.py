"""Export requests in which the spans are still bytes, to be looked at one by one.

The messages are those of OTLP to the letter, but that a scope's spans are ``bytes`` instead of ``Span``: on the wire
both are the same.
"""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from opentelemetry.proto.resource.v1 import resource_pb2

_PACKAGE = "mlops_tui.tracing"
_FIELD = descriptor_pb2.FieldDescriptorProto


def _traces_class() -> Any:
    file = descriptor_pb2.FileDescriptorProto(
        name="mlops_tui/tracing/envelopes.proto",
        package=_PACKAGE,
        syntax="proto3",
        dependency=[resource_pb2.DESCRIPTOR.name, "opentelemetry/proto/common/v1/common.proto"],
    )
    scope = file.message_type.add(name="ScopeSpans")
    _message(scope, "scope", 1, ".opentelemetry.proto.common.v1.InstrumentationScope")
    scope.field.add(name="spans", number=2, label=_FIELD.LABEL_REPEATED, type=_FIELD.TYPE_BYTES)
    resource = file.message_type.add(name="ResourceSpans")
    _message(resource, "resource", 1, ".opentelemetry.proto.resource.v1.Resource")
    _message(resource, "scope_spans", 2, f".{_PACKAGE}.ScopeSpans", is_repeated=True)
    traces = file.message_type.add(name="Traces")
    _message(traces, "resource_spans", 1, f".{_PACKAGE}.ResourceSpans", is_repeated=True)
    pool = descriptor_pool.Default()
    pool.AddSerializedFile(file.SerializeToString())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.Traces"))


def _message(owner: Any, name: str, number: int, type_name: str, *, is_repeated: bool = False) -> None:
    owner.field.add(
        name=name,
        number=number,
        label=_FIELD.LABEL_REPEATED if is_repeated else _FIELD.LABEL_OPTIONAL,
        type=_FIELD.TYPE_MESSAGE,
        type_name=type_name,
    )


Traces = _traces_class()
