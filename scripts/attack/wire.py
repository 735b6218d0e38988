"""What goes over the wire, byte by byte: nothing here refuses to send something wrong."""

import asyncio
import base64
import os
import struct
from dataclasses import dataclass, field

# Strangers come from elsewhere than the carrier does.
STRANGER = "127.0.0.2"

PATIENCE = 8


@dataclass
class Answer:
    """The first response on a connection; status 0 where there was none."""

    status: int = 0
    headers: dict = field(default_factory=dict)
    body: bytes = b""
    raw: bytes = b""

    @property
    def text(self):
        return self.body.decode(errors="replace")


class Connection:
    """A TCP connection to the server."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer

    @classmethod
    async def open(cls, port, source=STRANGER):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0), limit=1 << 20)
        return cls(reader, writer)

    async def send(self, data):
        """Sends, as far as the server lets it: it may have hung up."""
        try:
            self.writer.write(data)
            await asyncio.wait_for(self.writer.drain(), PATIENCE)
            return True
        except (OSError, asyncio.TimeoutError):
            return False

    async def answer(self, patience=PATIENCE):
        """Reads one response."""
        raw = b""
        try:
            async with asyncio.timeout(patience):
                while True:
                    head = await self.reader.readuntil(b"\r\n\r\n")
                    raw += head
                    lines = head.decode("latin-1").split("\r\n")
                    status = int(lines[0].split(" ")[1])
                    if status != 100:
                        break
                headers = {}
                for line in lines[1:-2]:
                    name, _, value = line.partition(":")
                    headers[name.lower()] = value.strip()
                body = b""
                if status not in (101, 204, 304):
                    if headers.get("transfer-encoding") == "chunked":
                        body = await self.chunks()
                    else:
                        body = await self.up_to(int(headers.get("content-length", 0)))
                return Answer(status, headers, body, raw + body)
        except (OSError, EOFError, ValueError, IndexError, asyncio.LimitOverrunError, asyncio.TimeoutError):
            return Answer(raw=raw)

    async def up_to(self, length):
        """So many bytes, or as many as come: the answer to HEAD has a length and no body."""
        try:
            return await self.reader.readexactly(length)
        except asyncio.IncompleteReadError as error:
            return error.partial

    async def chunks(self):
        body = b""
        while size := int(await self.reader.readuntil(b"\r\n"), 16):
            body += (await self.reader.readexactly(size + 2))[:-2]
        return body

    async def rest(self, patience=PATIENCE):
        """Everything until the server hangs up, and whether it did."""
        read = b""
        try:
            async with asyncio.timeout(patience):
                while piece := await self.reader.read(1 << 16):
                    read += piece
        # It is an OSError too.
        except TimeoutError:
            return read, False
        except OSError:
            pass
        return read, True

    def close(self):
        self.writer.transport.abort()


def http(method, path, headers=(), body=b"", host="ex.org", length=True):
    """A request as bytes. Headers are pairs, so that one can be there twice."""

    def raw(text):
        return text if isinstance(text, bytes) else text.encode()

    lines = [raw(method) + b" " + raw(path) + b" HTTP/1.1", b"host: " + raw(host), b"connection: close"]
    lines += [raw(name) + b": " + raw(value) for name, value in headers]
    if body and length:
        lines.append(b"content-length: %d" % len(body))
    return b"\r\n".join(lines) + b"\r\n\r\n" + raw(body)


async def ask(port, request, source=STRANGER, patience=PATIENCE):
    """Sends bytes on a connection of their own and reads the answer."""
    connection = await Connection.open(port, source)
    try:
        await connection.send(request)
        return await connection.answer(patience)
    finally:
        connection.close()


# WebSockets (RFC 6455).

TEXT, BINARY, CLOSE, PING = 1, 2, 8, 9


async def websocket(port, path, headers=(), connection=None):
    """The answer to a handshake, and the connection, whatever the answer was."""
    key = base64.b64encode(os.urandom(16)).decode()
    handshake = [("upgrade", "websocket"), ("sec-websocket-version", "13"), ("sec-websocket-key", key), *headers]
    request = http("GET", path, handshake).replace(b"connection: close", b"connection: upgrade")
    connection = connection or await Connection.open(port)
    await connection.send(request)
    return await connection.answer(), connection


def frame(opcode, payload, fin=True, masked=True, length=None):
    """A frame; `length` announces another length than it has."""
    size = len(payload) if length is None else length
    head = bytes([(0x80 if fin else 0) | opcode])
    mask = 0x80 if masked else 0
    if size < 126:
        head += bytes([mask | size])
    elif size < 1 << 16:
        head += bytes([mask | 126]) + struct.pack(">H", size)
    else:
        head += bytes([mask | 127]) + struct.pack(">Q", size)
    # Masked with zeros, it looks as it is.
    return head + (b"\0\0\0\0" if masked else b"") + payload


# HTTP/2 (RFC 9113).

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST, SETTINGS, PING2, GOAWAY, WINDOW, CONTINUATION = 0, 1, 3, 4, 6, 7, 8, 9
END_STREAM, END_HEADERS = 1, 4


def frame2(kind, payload=b"", flags=0, stream=0):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def hpack(fields):
    """Header fields as literals that are never indexed; names and values below 127 bytes."""
    out = b""
    for name, value in fields:
        name, value = name.encode(), value.encode()
        out += b"\x10" + bytes([len(name)]) + name + bytes([len(value)]) + value
    return out


def request2(stream, method="GET", path="/health", flags=END_STREAM | END_HEADERS, more=()):
    fields = [(":method", method), (":scheme", "http"), (":path", path), (":authority", "ex.org"), *more]
    return frame2(HEADERS, hpack(fields), flags, stream)


def frames2(data):
    """The frames in what was read: kind, flags, stream, payload."""
    found, at = [], 0
    while at + 9 <= len(data):
        length = int.from_bytes(data[at : at + 3], "big")
        stream = int.from_bytes(data[at + 5 : at + 9], "big")
        found.append((data[at + 3], data[at + 4], stream, data[at + 9 : at + 9 + length]))
        at += 9 + length
    return found
