"""Writes what a client sends as the Collector's file exporter would, one request a line: `record.py NAME DATABASE PORT [BY]`.

NAME is the file below tests/fixtures/otlp, without its ending; a BY (see shop.py) records Python, none records Node (NODE_PATH).
Of each operation one trace is kept, of short loops; pools tell of themselves in NAME-metrics.jsonl.
"""
import base64
import collections
import http.server
import json
import os
import pathlib
import subprocess
import sys
import threading

from google.protobuf import json_format
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

HERE = pathlib.Path(__file__).parent
OUT = HERE.parents[2] / "fixtures/otlp"
requests = collections.defaultdict(list)


def hex_ids(value):
    if isinstance(value, list):
        return [hex_ids(item) for item in value]
    if not isinstance(value, dict):
        return value
    is_id = lambda key: key in ("traceId", "spanId", "parentSpanId")
    return {key: base64.b64decode(item).hex() if is_id(key) else hex_ids(item) for key, item in value.items()}


class Sink(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = b""
        if self.headers.get("transfer-encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            body = self.rfile.read(int(self.headers["content-length"]))
        kind = self.path.rsplit("/", 1)[1]
        if "json" in self.headers["content-type"]:
            request = json.loads(body)
        else:
            message = {"traces": ExportTraceServiceRequest, "metrics": ExportMetricsServiceRequest}[kind]()
            message.ParseFromString(body)
            request = hex_ids(json_format.MessageToDict(message, use_integers_for_enums=True))
        requests[kind].append(request)
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def groups(request):
    return [group for resource in request["resourceSpans"] for group in resource["scopeSpans"]]


def spans(all_of_kind):
    return [span for request in all_of_kind for group in groups(request) for span in group["spans"]]


def thin(all_of_kind):
    """Leaves one trace of each operation, and of double presses both; stacks name the machine."""
    kept, seen = set(), collections.Counter()
    for span in spans(all_of_kind):
        if not span.get("parentSpanId"):
            seen[span["name"]] += 1
            if seen[span["name"]] <= 1 + ("press" in span["name"]) and not span["name"].startswith(("pg", "connect")):
                kept.add(span["traceId"])
    for request in all_of_kind:
        for group in groups(request):
            group["spans"] = [span for span in group["spans"] if span["traceId"] in kept]
            for event in [event for span in group["spans"] for event in span.get("events", [])]:
                event["attributes"] = [a for a in event["attributes"] if a["key"] != "exception.stacktrace"]
        for resource in request["resourceSpans"]:
            resource["scopeSpans"] = [group for group in resource["scopeSpans"] if group["spans"]]
    return [request for request in all_of_kind if spans([request])]


def write(name, all_of_kind):
    lines = [json.dumps(request, separators=(",", ":")) + "\n" for request in all_of_kind]
    (OUT / f"{name}.jsonl").write_text("".join(lines))


def main():
    name, database, port, *by = sys.argv[1:]
    sink = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Sink)
    threading.Thread(target=sink.serve_forever, daemon=True).start()
    to = f"http://127.0.0.1:{sink.server_port}"
    told = {"OTEL_SERVICE_NAME": "shop", "OTEL_EXPORTER_OTLP_ENDPOINT": to, "SHOP_ROWS": "6"}
    told["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf" if by else "http/json"
    told["OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"] = f"{to}/v1/metrics"
    program = [sys.executable, HERE / "shop.py"] if by else ["node", HERE / "shop.js"]
    subprocess.run([*program, database, port, *by], check=True, env={**os.environ, **told})
    OUT.mkdir(exist_ok=True)
    write(name, thin(requests["traces"]))
    if requests["metrics"]:
        write(f"{name}-metrics", requests["metrics"][-2:])


main()
