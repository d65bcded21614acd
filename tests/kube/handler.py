# SPDX-License-Identifier: Apache-2.0
"""The fake API server's requests: who asks, what for, and the faults that a test has ordered."""

import json
import time
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, unquote, urlsplit

from kube.fake_objects import KINDS, NAMESPACED, ApiError, core_event, selector

GROUPS = {"/api/v1": ("v1", {"pods", "nodes", "events"}),
          "/apis/events.k8s.io/v1": ("events.k8s.io/v1", {"events"})}
VERBS = {"POST": "create", "PATCH": "patch", "DELETE": "delete"}
ENDLESS_MAX = 256 << 20


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.serve()

    do_POST = do_PATCH = do_DELETE = do_PUT = do_GET

    # --- one request

    def serve(self):
        api = self.server.api
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.query = {key: values[-1] for key, values in parse_qs(parts.query, keep_blank_values=True).items()}
        self.user = self.who(api)
        self.entry = api.log(method=self.command, path=parts.path, query=self.query, line=unquote(self.path),
                             headers=dict(self.headers), body=body, user=self.user, status=None)
        fault = api.take_fault("%s %s" % (self.command, self.entry["line"]))
        if fault and fault["kind"] == "delay":
            api.stopping.wait(fault["seconds"])
        elif fault:
            getattr(self, "do_" + fault["kind"])(fault)
            return
        try:
            if not self.user:
                raise ApiError(401, "Unauthorized", "Unauthorized")
            self.route(api, parts.path, body)
        except ApiError as error:
            self.answer(error.code, error.status)

    def who(self, api):
        """Returns the user's name, None if nobody is known."""
        if api.plain:
            return "anonymous"
        if self.headers.get("Authorization") == "Bearer " + api.token:
            return "token"
        certificate = self.connection.getpeercert()
        names = dict(pair[0] for pair in certificate.get("subject", ())) if certificate else {}
        name = names.get("commonName")
        return name if name and (api.users is None or name in api.users) else None

    def answer(self, code, body, headers=None, kind="application/json"):
        text = body if isinstance(body, bytes) else json.dumps(body, separators=(",", ":")).encode() + b"\n"
        self.entry["status"] = code
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(text)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text)

    # --- what is asked for

    def route(self, api, path, body):
        if path in ("/livez", "/readyz", "/healthz"):
            self.answer(200, b"ok", kind="text/plain; charset=utf-8")
            return
        if path == "/version":
            self.answer(200, {"major": "1", "minor": "30", "gitVersion": "v1.30.0+fake"})
            return
        group = next((g for g in GROUPS if path.startswith(g + "/")), None)
        words = path[len(group) + 1:].split("/") if group else []
        namespace = words[1] if len(words) > 2 and words[0] == "namespaces" else ""
        words = [unquote(word) for word in (words[2:] if namespace else words)]
        if not words or words[0] not in GROUPS[group][1] or len(words) > 2 or (
                namespace and words[0] not in NAMESPACED):
            raise ApiError(404, "NotFound", "the server could not find the requested resource")
        self.group, self.resource, self.namespace = GROUPS[group][0], words[0], namespace
        name = words[1] if len(words) == 2 else None
        watch = self.query.get("watch") in ("1", "true")
        verb = VERBS.get(self.command) or ("get" if name else "watch" if watch else "list")
        if (verb, self.resource) in api.forbidden:
            raise ApiError(403, "Forbidden", '%s is forbidden: User "%s" cannot %s resource "%s" in API group "%s"' % (
                self.resource, self.user, verb, self.resource, self.group.partition("/")[0]))
        if self.command == "GET" and not name:
            (self.watch if watch else self.list)(api)
        else:
            self.change(api, name, body)

    def show(self, item):
        if self.resource == "events" and self.group == "v1":
            item = core_event(item)
        return {**item, "apiVersion": self.group, "kind": KINDS[self.resource]}

    def list(self, api):
        chosen = selector(self.resource, self.query.get("fieldSelector"))
        limit = int(self.query.get("limit") or 0)
        if self.query.get("resourceVersion") and self.query.get("continue"):
            raise ApiError(400, "BadRequest", "resourceVersion is forbidden with continue")
        if api.watch_cache and self.query.get("resourceVersion") == "0":
            limit = 0
        items, version, token, rest = api.objects.list(self.resource, self.namespace, chosen, limit,
                                                       self.query.get("continue", ""))
        meta = {"resourceVersion": str(version)}
        if token:
            meta.update({"continue": token, "remainingItemCount": rest})
        shown = [self.show(item) for item in items]
        for item in shown:  # as in a real list
            del item["apiVersion"], item["kind"]
        self.answer(200, {"kind": KINDS[self.resource] + "List", "apiVersion": self.group, "metadata": meta,
                          "items": shown})

    def change(self, api, name, text):
        objects = api.objects
        try:
            body = json.loads(text) if text else {}
        except ValueError:
            raise ApiError(400, "BadRequest", "the body is no JSON") from None
        media = self.headers.get("Content-Type", "").partition(";")[0]
        key = (self.resource, self.namespace, name)
        if self.command == "GET":
            self.answer(200, self.show(objects.get(*key)))
        elif self.command == "POST" and not name:
            if body.get("apiVersion") != self.group or body.get("kind") != KINDS[self.resource]:
                raise ApiError(400, "BadRequest", "the object's apiVersion and kind do not match the request")
            if media != "application/json":
                raise ApiError(415, "UnsupportedMediaType", "the body of the request was in an unknown format")
            self.answer(201, self.show(objects.create(self.resource, self.namespace, body)))
        elif self.command == "DELETE" and name:
            gone = objects.delete(*key)
            self.answer(200, {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success",
                              "details": {"name": name, "uid": gone["metadata"]["uid"]}})
        elif self.command == "PATCH" and name and media == "application/merge-patch+json":
            self.answer(200, self.show(objects.merge_patch(*key, body)))
        elif self.command == "PATCH" and name and media == "application/apply-patch+yaml":
            force = self.query.get("force") == "true"
            self.answer(200, self.show(objects.apply(*key, self.query.get("fieldManager"), force, body)))
        elif self.command == "PATCH":
            raise ApiError(415, "UnsupportedMediaType", "the body of the request was in an unknown format - "
                           "accepted media types include: application/merge-patch+json, "
                           "application/apply-patch+yaml")
        else:
            raise ApiError(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")

    # --- a stream

    def begin_stream(self):
        self.entry["status"] = 200
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.flush()

    def chunk(self, text):
        piece = self.server.api.piece or len(text)
        for at in range(0, len(text), piece):
            part = text[at:at + piece]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
            self.wfile.flush()

    def tell(self, kind, item):
        self.chunk(json.dumps({"type": kind, "object": item}, separators=(",", ":")).encode() + b"\n")

    def bookmark(self, version):
        self.tell("BOOKMARK", {"kind": KINDS[self.resource], "apiVersion": self.group,
                               "metadata": {"resourceVersion": str(version), "creationTimestamp": None}})

    def watch(self, api):
        chosen = selector(self.resource, self.query.get("fieldSelector"))
        version = int(self.query.get("resourceVersion") or 0)
        until = time.monotonic() + float(self.query.get("timeoutSeconds") or 1800)
        bookmarks = self.query.get("allowWatchBookmarks") == "true"
        self.begin_stream()
        with api.lock:
            orders = len(api.stream_orders)
            api.streams += 1
        try:
            if not version:
                items, version, _, _ = api.objects.list(self.resource, self.namespace, chosen)
                for item in items:
                    self.tell("ADDED", self.show(item))
            self.follow(api, version, chosen, until, bookmarks, orders)
        except ApiError as error:  # once the request is accepted, an error is an event
            self.tell("ERROR", error.status)
            self.end_stream()
        finally:
            with api.lock:
                api.streams -= 1

    def end_stream(self):
        self.wfile.write(b"0\r\n\r\n")

    def follow(self, api, version, chosen, until, bookmarks, orders):
        marked = time.monotonic()
        while not api.stopping.is_set():
            with api.objects.changed:
                events = api.objects.events_since(version, self.resource, self.namespace, chosen)
                latest = api.objects.version
                if not events and len(api.stream_orders) == orders:
                    api.objects.changed.wait(min(0.1, max(0.0, until - time.monotonic())))
            for _, kind, item in events:
                self.tell(kind, self.show(item))
            # what was not selected is seen, too
            version = latest
            for order in api.stream_orders[orders:]:
                orders += 1
                if order == "cut":
                    self.close_connection = True
                    self.connection.close()
                    return
                if order == "end":
                    self.end_stream()
                    return
                self.chunk(order)
            now = time.monotonic()
            if bookmarks and now - marked >= api.bookmark_seconds:
                marked = now
                self.bookmark(version)
            if now >= until:
                self.end_stream()
                return
        self.close_connection = True

    # --- faults

    def do_status(self, fault):
        code = fault["status"]
        reason = fault["reason"] or {401: "Unauthorized", 403: "Forbidden", 404: "NotFound", 409: "Conflict",
                                     410: "Expired", 429: "TooManyRequests", 500: "InternalError",
                                     503: "ServiceUnavailable"}.get(code, "Unknown")
        status = ApiError(code, reason, fault["message"] or "ordered by the test").status
        self.answer(code, status, fault["headers"])

    def do_drop(self, _):
        self.close_connection = True
        self.connection.close()

    def wait_healed(self):
        api = self.server.api
        faults = api.faults
        while not api.stopping.is_set() and api.faults is faults:
            time.sleep(0.05)
        self.close_connection = True

    def do_stall(self, _):
        self.wait_healed()

    def do_silent(self, _):
        self.begin_stream()
        self.wait_healed()

    def do_garbage(self, _):
        self.answer(200, b"<html>not what you think</html>\n")

    def do_endless(self, _):
        api = self.server.api
        self.begin_stream()
        self.chunk(b'{"type":"ADDED","object":{"metadata":{"name":"')
        block = b"x" * 65536
        while api.sent < ENDLESS_MAX and not api.stopping.is_set():
            self.chunk(block)
            api.sent += len(block)
        self.close_connection = True

    def do_half(self, _):
        self.begin_stream()
        self.chunk(b'{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"1"},"items":['
                   b'{"metadata":{"name":"half-told","resourceVersion":"1"}},{"metadata":{"na')
        self.close_connection = True
