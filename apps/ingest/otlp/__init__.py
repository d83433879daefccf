"""OTLP over HTTP: protobuf and JSON become the same spans and log records, read once."""
