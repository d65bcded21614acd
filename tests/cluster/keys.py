# SPDX-License-Identifier: Apache-2.0
"""Keys, tokens and kubeconfigs of a cluster."""

import json
import os
import secrets

from node.node import run

from .machine import NODE_IP, SERVICE_IP

NAMES = ("DNS:localhost", "DNS:kubernetes", "DNS:kubernetes.default", "DNS:kubernetes.default.svc",
         "DNS:kubernetes.default.svc.cluster.local", "IP:127.0.0.1", "IP:" + NODE_IP, "IP:" + SERVICE_IP)


def write_private(path, text):
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)


def kubeconfig(ca_file, token, server):
    """JSON, which is YAML."""
    return json.dumps({
        "apiVersion": "v1", "kind": "Config", "current-context": "test",
        "clusters": [{"name": "test", "cluster": {"server": server, "certificate-authority": ca_file}}],
        "users": [{"name": "test", "user": {"token": token}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
    })


class Keys:
    """The files that the cluster's programs know each other by, in one folder."""

    def __init__(self, folder, node_name):
        os.mkdir(folder, 0o700)
        self.ca, self.key = folder + "/server.crt", folder + "/server.key"
        self.accounts, self.accounts_public = folder + "/accounts.key", folder + "/accounts.pub"
        self.tokens_file = folder + "/tokens.csv"
        # one certificate, its own CA
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-days", "3", "-subj", "/CN=nodewake-test", "-addext", "subjectAltName=" + ",".join(NAMES),
            "-keyout", self.key, "-out", self.ca)
        run("openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", self.accounts)
        run("openssl", "ec", "-in", self.accounts, "-pubout", "-out", self.accounts_public)
        users = {
            "admin": ("admin", "system:masters"),
            "kubelet": ("system:node:" + node_name, "system:nodes"),
            "controllers": ("system:kube-controller-manager", ""),
            "scheduler": ("system:kube-scheduler", ""),
        }
        self.tokens = {user: secrets.token_hex(16) for user in users}
        write_private(self.tokens_file, "".join('%s,%s,%s,"%s"\n' % (self.tokens[user], name, user, groups)
                                                for user, (name, groups) in users.items()))
