# SPDX-License-Identifier: Apache-2.0
"""A peer that lets wait, in the node's network: peer.py KIND ADDRESS PORT SECONDS.

refuse: listens only after so long. late: takes connections at once, answers so long after. dns: answers each question
so long after it came. Prints "ready" when it is what it is to be.
"""

import signal
import socket
import sys
import threading
import time

FOR_SECONDS = 120


def refuse(address, seconds):
    print("ready", flush=True)
    time.sleep(seconds)
    accept(address, lambda peer: None)


def late(address, seconds):
    def answer(peer):
        time.sleep(seconds)
        peer.sendall(b"at last\n")
    accept(address, answer, "ready")


def accept(address, answer, word=None):
    def one(peer):
        with peer:
            answer(peer)
    with socket.create_server(address) as server:
        if word:
            print(word, flush=True)
        while True:
            threading.Thread(target=one, args=(server.accept()[0],), daemon=True).start()


def dns(address, seconds):
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(address)
    print("ready", flush=True)

    def answer(question, peer):
        time.sleep(seconds)
        record = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4" + socket.inet_aton("10.230.0.1")
        server.sendto(question[:2] + b"\x81\x80\0\1\0\1\0\0\0\0" + question[12:] + record, peer)
    while True:
        threading.Thread(target=answer, args=server.recvfrom(512), daemon=True).start()


if __name__ == "__main__":
    signal.alarm(FOR_SECONDS)
    kinds = {"refuse": refuse, "late": late, "dns": dns}
    kinds[sys.argv[1]]((sys.argv[2], int(sys.argv[3])), float(sys.argv[4]))
