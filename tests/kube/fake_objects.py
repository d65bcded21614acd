# SPDX-License-Identifier: Apache-2.0
"""The fake API server's objects: versions, history, selectors, patches; nothing of HTTP.

A subset that behaves like the real one where the agent can tell: Nodes, Pods and Events. What the real
server refuses of Events (k8s.io/kubernetes pkg/apis/core/validation/events.go) is refused here, too.
"""

import base64
import copy
import json
import threading
import time
import uuid

FIELDS = {
    "pods": ["metadata.name", "metadata.namespace", "spec.nodeName", "status.phase"],
    "nodes": ["metadata.name"],
    "events": ["metadata.name", "metadata.namespace", "reason", "type",
               "involvedObject.uid", "involvedObject.name", "involvedObject.namespace", "involvedObject.kind",
               "regarding.uid", "regarding.name", "regarding.namespace", "regarding.kind"],
}
KINDS = {"pods": "Pod", "nodes": "Node", "events": "Event"}
NAMESPACED = {"pods", "events"}


class ApiError(Exception):
    """A refusal: becomes a metav1.Status."""

    def __init__(self, code, reason, message, **more):
        super().__init__(message)
        self.code = code
        self.status = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
                       "message": message, "reason": reason, "code": code, **more}


def field(item, path):
    for part in path.split("."):
        item = item.get(part, {}) if isinstance(item, dict) else {}
    return item if isinstance(item, str) else ""


def selector(resource, text):
    """A function that tells whether an object is selected by a fieldSelector."""
    wanted = []
    for term in filter(None, (text or "").split(",")):
        path, _, value = term.replace("==", "=").partition("=")
        negative = path.endswith("!")
        path = path.rstrip("!")
        if path not in FIELDS[resource]:
            raise ApiError(400, "BadRequest", 'field label not supported: %s' % path)
        wanted.append((path.replace("involvedObject", "regarding"), value, negative))
    return lambda item: all((field(item, path) == value) != negative for path, value, negative in wanted)


def merge(target, patch):
    """RFC 7386."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge(result.get(key), value)
    return result


class Objects:
    """Every change has a version and wakes who waits on `changed`."""

    def __init__(self):
        self.changed = threading.Condition(threading.RLock())
        self.version = 1000
        self.oldest = 0  # versions below are forgotten
        self.items = {}  # (resource, namespace, name) -> object
        self.history = []  # (version, resource, object before or None, object after or None)
        self.applied = {}  # (key, manager) -> {annotation names}

    # --- reading

    def get(self, resource, namespace, name):
        with self.changed:
            key = (resource, namespace if resource in NAMESPACED else "", name)
            if key not in self.items:
                raise ApiError(404, "NotFound", '%s "%s" not found' % (resource, name))
            return copy.deepcopy(self.items[key])

    def list(self, resource, namespace="", chosen=None, limit=0, token=""):
        """Returns (objects, version, continue token, how many remain)."""
        with self.changed:
            version, start = self.version, None
            if token:
                try:
                    version, *start = json.loads(base64.urlsafe_b64decode(token + "=="))
                except ValueError:
                    raise ApiError(400, "BadRequest", "continue key is not valid") from None
                if version < self.oldest:
                    raise ApiError(410, "Expired", "The provided continue parameter is too old to display a "
                                   "consistent list result.")
            keys = [key for key in sorted(self.items) if key[0] == resource and namespace in ("", key[1]) and
                    (not start or list(key[1:]) > start) and (not chosen or chosen(self.items[key]))]
            rest = len(keys) - limit if limit and len(keys) > limit else 0
            keys = keys[:limit] if limit else keys
            token = base64.urlsafe_b64encode(json.dumps([version, *keys[-1][1:]]).encode()).decode().rstrip("=") \
                if rest else ""
            return [copy.deepcopy(self.items[key]) for key in keys], version, token, rest

    def events_since(self, version, resource, namespace, chosen):
        """[(version, type, object)] of a watch: what enters a selection is added, what leaves it deleted."""
        with self.changed:
            if version < self.oldest:
                raise ApiError(410, "Expired", "too old resource version: %d (%d)" % (version, self.oldest))
            found = []
            for at, of, before, after in self.history:
                if at <= version or of != resource:
                    continue
                if namespace and (after or before)["metadata"].get("namespace") != namespace:
                    continue
                was, is_now = before is not None and chosen(before), after is not None and chosen(after)
                if is_now:
                    found.append((at, "MODIFIED" if was else "ADDED", after))
                elif was:
                    gone = copy.deepcopy(after or before)
                    gone["metadata"]["resourceVersion"] = str(at)
                    found.append((at, "DELETED", gone))
            return found

    def forget(self):
        """As etcd's compaction: older watches and continue tokens get 410."""
        with self.changed:
            self.oldest = self.version
            self.history = []

    # --- writing

    def _store(self, key, before, after):
        self.version += 1
        if after is None:
            del self.items[key]
        else:
            after["metadata"]["resourceVersion"] = str(self.version)
            self.items[key] = after
        self.history.append((self.version, key[0], before, copy.deepcopy(after)))
        self.changed.notify_all()
        return copy.deepcopy(after)

    def create(self, resource, namespace, item):
        with self.changed:
            item = copy.deepcopy(item)
            meta = item.setdefault("metadata", {})
            if not meta.get("name") and meta.get("generateName"):
                meta["name"] = meta["generateName"] + uuid.uuid4().hex[:5]
            if not meta.get("name"):
                raise ApiError(422, "Invalid", "%s is invalid: metadata.name: Required value: name or generateName "
                               "is required" % KINDS[resource])
            if resource in NAMESPACED:
                namespace = namespace or meta.get("namespace") or "default"
                if meta.setdefault("namespace", namespace) != namespace:
                    raise ApiError(400, "BadRequest", "the namespace of the provided object does not match the "
                                   "namespace sent on the request")
            key = (resource, namespace if resource in NAMESPACED else "", meta["name"])
            if key in self.items:
                raise ApiError(409, "AlreadyExists", '%s "%s" already exists' % (resource, meta["name"]))
            if resource == "events":
                check_event(item)
            meta.setdefault("uid", str(uuid.uuid4()))
            meta.setdefault("creationTimestamp", time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))
            return self._store(key, None, item)

    def replace(self, resource, namespace, name, change):
        """change: a function from the object to what it shall be. Nothing changed: no new version."""
        with self.changed:
            before = self.get(resource, namespace, name)
            key = (resource, before["metadata"].get("namespace", ""), name)
            after = change(copy.deepcopy(before))
            for fixed in ("name", "namespace", "uid", "creationTimestamp", "resourceVersion"):
                if fixed in before["metadata"]:
                    after["metadata"][fixed] = before["metadata"][fixed]
            if resource == "events":
                check_event_change(before, after)
            return before if after == before else self._store(key, before, after)

    def merge_patch(self, resource, namespace, name, patch):
        wanted = patch.get("metadata", {}).get("resourceVersion") if isinstance(patch, dict) else None

        def change(item):
            if wanted and wanted != item["metadata"]["resourceVersion"]:
                raise ApiError(409, "Conflict", 'Operation cannot be fulfilled on %s "%s": the object has been '
                               "modified; please apply your changes to the latest version" % (resource, name))
            return merge(item, patch)
        return self.replace(resource, namespace, name, change)

    def apply(self, resource, namespace, name, manager, force, body):
        """Server-side apply, of annotations only: a manager's keys that it no longer applies are removed."""
        if not manager:
            raise ApiError(400, "BadRequest", "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required "
                           "value: is required for apply patch")
        if not body.get("apiVersion") or body.get("kind") != KINDS[resource]:
            raise ApiError(400, "BadRequest", "apiVersion and kind must be set")
        annotations = body.get("metadata", {}).get("annotations") or {}
        if any(not isinstance(value, str) for value in annotations.values()):
            raise ApiError(400, "BadRequest", "annotations must be strings")
        with self.changed:
            key = (resource, namespace if resource in NAMESPACED else "", name)
            if key not in self.items:  # it would be created, for which the agent has no right
                raise ApiError(403, "Forbidden", '%s "%s" is forbidden: cannot create resource' % (resource, name))

            def change(item):
                present = item["metadata"].setdefault("annotations", {})
                owned = self.applied.get((key, manager), set())
                for annotation, value in annotations.items():
                    others = [m for (k, m), names in self.applied.items()
                              if k == key and m != manager and annotation in names]
                    if others and present.get(annotation) != value and not force:
                        raise ApiError(409, "Conflict", 'Apply failed with 1 conflict: conflict with "%s": '
                                       ".metadata.annotations.%s" % (others[0], annotation))
                    if others and present.get(annotation) != value:
                        for other in others:
                            self.applied[(key, other)].discard(annotation)
                present.update(annotations)
                for annotation in owned - set(annotations):
                    if not any(annotation in names for (k, m), names in self.applied.items()
                               if k == key and m != manager):
                        present.pop(annotation, None)
                if sum(len(k) + len(v) for k, v in present.items()) > 256 << 10:
                    raise ApiError(422, "Invalid", "metadata.annotations: Too long: must have at most 262144 bytes")
                self.applied[(key, manager)] = set(annotations)
                item["metadata"]["managedFields"] = self._managed_fields(key, body["apiVersion"])
                return item
            return self.replace(resource, namespace, name, change)

    def _managed_fields(self, key, api_version):
        return [{"manager": manager, "operation": "Apply", "apiVersion": api_version, "fieldsType": "FieldsV1",
                 "fieldsV1": {"f:metadata": {"f:annotations": {"f:" + name: {} for name in sorted(names)}}}}
                for (of, manager), names in sorted(self.applied.items()) if of == key and names]

    def delete(self, resource, namespace, name):
        with self.changed:
            before = self.get(resource, namespace, name)
            key = (resource, before["metadata"].get("namespace", ""), name)
            self.applied = {k: v for k, v in self.applied.items() if k[0] != key}
            self._store(key, before, None)
            return before


def check_event(event):
    """What events.k8s.io/v1 demands of a new Event (kept in its form, regarding and note)."""
    wrong = []
    regarding = event.get("regarding", {})
    if not event.get("eventTime"):
        wrong.append("eventTime: Required value")
    # of a cluster's object: Kubernetes 1.19 and 1.20 take it in kube-system only, later ones in default too
    if (regarding.get("namespace") or "kube-system") != event["metadata"]["namespace"]:
        wrong.append("involvedObject.namespace: Invalid value: does not match event.namespace")
    for name, longest in (("reportingController", 128), ("reportingInstance", 128), ("action", 128),
                          ("reason", 128)):
        if not event.get(name):
            wrong.append("%s: Required value" % name)
        elif len(event[name]) > longest:
            wrong.append("%s: Invalid value: can have at most %d characters" % (name, longest))
    if event.get("type") not in ("Normal", "Warning"):
        wrong.append("type: Invalid value: has invalid value: %s" % event.get("type"))
    if len(event.get("note", "")) > 1024:
        wrong.append("message: Invalid value: can have at most 1024 characters")
    wrong += check_series(event)
    if wrong:
        raise ApiError(422, "Invalid", 'Event "%s" is invalid: %s' % (event["metadata"]["name"], "; ".join(wrong)))


def check_series(event):
    series = event.get("series")
    if series is None:
        return []
    wrong = []
    if series.get("count", 0) < 2:
        wrong.append("series.count: Invalid value: should be at least 2")
    if not series.get("lastObservedTime"):
        wrong.append("series.lastObservedTime: Required value")
    return wrong


def check_event_change(before, after):
    fixed = ("regarding", "related", "reason", "note", "type", "eventTime", "action", "reportingController",
             "reportingInstance")
    wrong = ["%s: Invalid value: field is immutable" % name for name in fixed if before.get(name) != after.get(name)]
    wrong += check_series(after)
    if wrong:
        raise ApiError(422, "Invalid", 'Event "%s" is invalid: %s' % (after["metadata"]["name"], "; ".join(wrong)))


def core_event(event):
    """An Event as core/v1 shows it, which is how `kubectl describe` reads it."""
    shown = {key: value for key, value in event.items() if key not in ("regarding", "note")}
    shown.update(involvedObject=event.get("regarding", {}), message=event.get("note", ""))
    shown.update(reportingComponent=shown.pop("reportingController", ""), source={})
    return shown
