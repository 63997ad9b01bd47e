"""Ports for servers of tests."""
import random
import socket


def free_port():
    """One that nobody listens on, below those that the kernel gives to outgoing connections: nobody gets it by chance meanwhile.

    Another test may: who starts a server looks whether it is its own that came up, and else takes another port.
    """
    while True:
        port = random.randrange(20000, 32000)
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
                return port
            except OSError:
                pass
