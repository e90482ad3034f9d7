"""A sender of HL7 over MLLP, byte by byte."""

import socket
import ssl

BEGIN, END = b"\x0b", b"\x1c\x0d"


def message(control_id: str, kind: str = "ADT^A01") -> bytes:
    """A message of HL7 version 2, without a frame."""
    header = f"MSH|^~\\&|LAB|CLINIC|HUB|MOH|20260501120000||{kind}|{control_id}|P|2.5"
    return f"{header}\rPID|1||17\r".encode()


def fields_of(answer: bytes) -> dict[str, list[str]]:
    """The fields of an acknowledgement by the names of its segments; n is n of the segment, in MSH
    n - 1."""
    segments = answer.decode("latin-1").strip("\r").split("\r")
    return {segment[:3]: segment.split("|") for segment in segments}


class Sender:
    """A connection to a listener."""

    def __init__(self, port: int, tls: ssl.SSLContext | None = None) -> None:
        plain = socket.create_connection(("127.0.0.1", port), timeout=30)
        self._sock = plain if tls is None else tls.wrap_socket(plain, server_hostname="127.0.0.1")
        self._rest = b""

    def write(self, data: bytes) -> None:
        self._sock.sendall(data)

    def send(self, message: bytes) -> bytes:
        """Send a message in a frame, and read the answer without its frame."""
        self.write(BEGIN + message + END)
        return self.read()

    def read(self) -> bytes:
        """The next frame's content."""
        while END not in self._rest:
            piece = self._sock.recv(65536)
            if not piece:
                raise ConnectionError("the listener went away")
            self._rest += piece
        frame, _, self._rest = self._rest.partition(END)
        assert frame.startswith(BEGIN), frame
        return frame[1:]

    def read_to_end(self) -> bytes:
        """All until the listener closes."""
        whole = b""
        while piece := self._sock.recv(65536):
            whole += piece
        return whole

    def end_writing(self) -> None:
        self._sock.shutdown(socket.SHUT_WR)

    def is_closed(self) -> bool:
        """Whether the listener closes the connection now, without a word."""
        try:
            return self._sock.recv(1) == b""
        except ConnectionResetError:
            return True

    def close(self) -> None:
        self._sock.close()
