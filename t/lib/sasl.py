"""SASL for a test: a database of users, made by libsasl2, and the client side of mechanisms.

    sasl_database(scratch, 'example.org', {'pat': 'secret'})    # a folder for auth.sasl-path
    plain('pat@example.org', 'secret')                          # base64 of an initial response
    scram = Scram('pat@example.org', 'secret'); scram.first(); scram.final(...); scram.verify(...)
"""
import base64
import ctypes
import hashlib
import hmac
import os

import tap

_GETOPT, _CREATE, _OK = 1, 1, 0
_GETOPT_TYPE = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p,
                                ctypes.POINTER(ctypes.c_char_p), ctypes.POINTER(ctypes.c_uint))


class _Callback(ctypes.Structure):
    _fields_ = [("id", ctypes.c_ulong), ("procedure", ctypes.c_void_p),
                ("context", ctypes.c_void_p)]


def _library():
    for name in ("libsasl2.so.2", "libsasl2.so.3", "libsasl2.so"):
        try:
            return ctypes.CDLL(name)
        except OSError:
            continue
    tap.skip_all("there is no libsasl2")


def sasl_database(scratch, realm, users, owner=None):
    """Creates a sasldb of {user: password} and its handoff.conf; returns the path of the folder.
    owner: the (uid, gid) that can read it. Skips the test if the library has no plugin for
    sasldb."""
    folder = os.path.join(scratch.path, "sasl")
    os.makedirs(folder)
    database = os.path.join(folder, "users.db")
    options = {b"sasldb_path": database.encode(), b"auxprop_plugin": b"sasldb",
               b"pwcheck_method": b"auxprop"}
    scratch.file("sasl/handoff.conf",
                 "".join(f"{key.decode()}: {value.decode()}\n" for key, value in options.items()))

    @_GETOPT_TYPE
    def getopt(_context, _plugin, option, result, length):
        if option not in options:
            return -1
        result[0] = options[option]
        if length:
            length[0] = len(options[option])
        return _OK

    library = _library()
    callbacks = (_Callback * 2)(_Callback(_GETOPT, ctypes.cast(getopt, ctypes.c_void_p), None),
                                _Callback(0, None, None))
    if library.sasl_server_init(callbacks, b"handoff-test") != _OK:
        tap.skip_all("libsasl2 cannot start")
    connection = ctypes.c_void_p()
    library.sasl_server_new(b"lmtp", realm.encode(), realm.encode(), None, None, None, 0,
                            ctypes.byref(connection))
    for user, password in users.items():
        result = library.sasl_setpass(connection, user.encode(), password.encode(), len(password),
                                      None, 0, _CREATE)
        if result != _OK:
            tap.skip_all(f"libsasl2 cannot write its own database: {result}")
    library.sasl_dispose(ctypes.byref(connection))
    library.sasl_done()
    for path in (folder, database):
        if owner:
            os.chown(path, *owner)
    return folder


def encoded(text):
    return base64.b64encode(text if isinstance(text, bytes) else text.encode()).decode()


def plain(user, password):
    """Returns the initial response of PLAIN (RFC 4616)."""
    return encoded(f"\0{user}\0{password}")


class Scram:
    """A client of SCRAM-SHA-256 without channel binding (RFC 5802, 7677); each step is base64."""

    def __init__(self, user, password):
        self.password = password.encode()
        self.bare = f"n={user},r=fyko+d2lbbFgONRv9qkxdawL"
        self.message = None
        self.salted = None

    def first(self):
        return encoded("n,," + self.bare)

    def final(self, challenge):
        server_first = base64.b64decode(challenge).decode()
        fields = dict(part.split("=", 1) for part in server_first.split(","))
        self.salted = hashlib.pbkdf2_hmac("sha256", self.password,
                                          base64.b64decode(fields["s"]), int(fields["i"]))
        without_proof = f"c={encoded('n,,')},r={fields['r']}"
        self.message = f"{self.bare},{server_first},{without_proof}".encode()
        key = self._hmac(self.salted, b"Client Key")
        signature = self._hmac(hashlib.sha256(key).digest(), self.message)
        proof = bytes(a ^ b for a, b in zip(key, signature))
        return encoded(f"{without_proof},p={encoded(proof)}")

    def verify(self, challenge):
        """Returns whether the server has proved that it knows the password."""
        signature = self._hmac(self._hmac(self.salted, b"Server Key"), self.message)
        return base64.b64decode(challenge).decode() == "v=" + encoded(signature)

    @staticmethod
    def _hmac(key, octets):
        return hmac.new(key, octets, hashlib.sha256).digest()
