"""A few packets of MQTT 5 over TLS, by hand: the client library does not tell the reason code of a PUBACK."""
import socket
import ssl
import struct


def text(s):
    raw = s if isinstance(s, bytes) else s.encode()
    return struct.pack(">H", len(raw)) + raw


class RawMqtt:
    def __init__(self, host, port, ca, cert, key, client_id, will_topic=None):
        context = ssl.create_default_context(cafile=ca)
        context.load_cert_chain(cert, key)
        self.sock = context.wrap_socket(socket.create_connection((host, port), 60), server_hostname=host)
        self.sock.settimeout(60)
        self.packet_id = 0
        flags = 0x02 | (0x04 | 0x20 | 0x08 if will_topic else 0)
        payload = text(client_id) + (b"\0" + text(will_topic) + text(b'{"state":"offline"}') if will_topic else b"")
        try:
            self.send(0x10, text("MQTT") + bytes([5, flags]) + struct.pack(">H", 30) + b"\0" + payload)
            kind, body = self.receive()
        except BaseException:
            self.sock.close()
            raise
        self.connect_code = body[1] if kind == 0x20 else None

    def send(self, kind, body):
        length, n = b"", len(body)
        while True:
            length += bytes([n % 128 | (0x80 if n >= 128 else 0)])
            n //= 128
            if not n:
                break
        self.sock.sendall(bytes([kind]) + length + body)

    def exactly(self, n):
        out = b""
        while len(out) < n:
            piece = self.sock.recv(n - len(out))
            if not piece:
                raise ConnectionError("closed by the broker")
            out += piece
        return out

    def receive(self):
        kind, n, shift = self.exactly(1)[0], 0, 0
        while True:
            b = self.exactly(1)[0]
            n |= (b & 0x7F) << shift
            shift += 7
            if not b & 0x80:
                break
        return kind & 0xF0, self.exactly(n)

    def wait_for(self, kind):
        while True:
            got, body = self.receive()
            if got == kind:
                return body

    def publish(self, topic, payload, retain=False):
        """QoS 1; the reason code of the PUBACK: 0 or 16 (nobody listens) is taken, 135 not authorised."""
        self.packet_id += 1
        self.send(0x32 | (1 if retain else 0), text(topic) + struct.pack(">H", self.packet_id) + b"\0" + payload)
        body = self.wait_for(0x40)
        return body[2] if len(body) > 2 else 0

    def subscribe(self, topic):
        self.packet_id += 1
        self.send(0x82, struct.pack(">H", self.packet_id) + b"\0" + text(topic) + b"\x01")
        return self.wait_for(0x90)[-1]

    def hears(self, seconds):
        """Topics of what is delivered within so many seconds."""
        topics = []
        self.sock.settimeout(seconds)
        try:
            while True:
                kind, body = self.receive()
                if kind == 0x30:
                    n = struct.unpack(">H", body[:2])[0]
                    topics.append(body[2:2 + n].decode())
        except (TimeoutError, socket.timeout):
            return topics
        finally:
            self.sock.settimeout(60)

    def close(self):
        self.sock.close()
