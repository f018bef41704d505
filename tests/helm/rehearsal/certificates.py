"""Certificates for a test: an authority of its own, and what it signs."""

from rehearsal.node import run

KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2")


class Authority:
    def __init__(self, folder, name):
        self._key, self.file = folder / f"{name}.key", folder / f"{name}.crt"
        run("openssl", "req", "-x509", *KEY, "-subj", f"/CN={name}", "-keyout", str(self._key), "-out", str(self.file))

    @property
    def pem(self):
        return self.file.read_text(encoding="ascii")

    def issue(self, name, names):
        """Files of a certificate and its key, for `names` such as `DNS:chat.example.com`."""
        certificate, key = (self.file.with_name(f"{name}.{kind}") for kind in ("crt", "key"))
        run("openssl", "req", "-x509", *KEY, "-subj", f"/CN={name}", "-CA", str(self.file), "-CAkey", str(self._key),
            "-addext", f"subjectAltName={names}", "-addext", "basicConstraints=critical,CA:FALSE",
            "-keyout", str(key), "-out", str(certificate))
        return certificate, key
