"""What is exported, as OpenTelemetry's own messages read it: names of spans or metrics, one a line."""

import sys

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

body = sys.stdin.buffer.read()
if sys.argv[1] == "traces":
    for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
        for scope in resource.scope_spans:
            for span in scope.spans:
                print(span.name, span.trace_id.hex(), span.parent_span_id.hex(), len(span.attributes))
else:
    for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics:
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                points = getattr(metric, metric.WhichOneof("data")).data_points
                print(metric.name, metric.unit or "-", metric.WhichOneof("data"), len(points))
