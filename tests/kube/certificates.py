# SPDX-License-Identifier: Apache-2.0
"""A certificate authority of a test's own, by the openssl command."""

import os
import subprocess

KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]


class Authority:
    """Certificates in `directory`; their names are the files' names without .crt and .key."""

    def __init__(self, directory, name="ca"):
        self.directory = directory
        self.name = name
        self._openssl("req", "-x509", *KEY, "-days", "2", "-subj", "/CN=nodewake-test-" + name,
                      "-keyout", self.path(name + ".key"), "-out", self.path(name + ".crt"))

    def path(self, name):
        return os.path.join(self.directory, name)

    @property
    def certificate(self):
        return self.path(self.name + ".crt")

    def server(self, name="server", alternatives="IP:127.0.0.1,DNS:localhost,DNS:kubernetes.default.svc"):
        return self._issue(name, "/CN=" + name, "subjectAltName=%s\nextendedKeyUsage=serverAuth\n" % alternatives)

    def client(self, user, name=None):
        """A client certificate: the server takes its CN as the user's name."""
        return self._issue(name or user, "/CN=" + user, "extendedKeyUsage=clientAuth\n")

    def _issue(self, name, subject, extensions):
        request, certificate, key = (self.path(name + end) for end in (".csr", ".crt", ".key"))
        extension_file = self.path(name + ".ext")
        with open(extension_file, "w", encoding="utf-8") as file:
            file.write(extensions)
        self._openssl("req", "-new", *KEY, "-subj", subject, "-keyout", key, "-out", request)
        self._openssl("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey",
                      self.path(self.name + ".key"), "-CAcreateserial", "-days", "2", "-extfile", extension_file,
                      "-out", certificate)
        return certificate, key

    @staticmethod
    def _openssl(*arguments):
        subprocess.run(["openssl", *arguments], check=True, capture_output=True)
