"""The endpoints of Langfuse's public API that its SDKs send to.

Spans come over OTLP (``apps.ingest.conventions.langfuse``). Scores, and all that SDKs before
version 3 record, come as JSON and become events here. A score is an ``evaluator`` event: part
of the record, encrypted with it and erased with it.
"""
