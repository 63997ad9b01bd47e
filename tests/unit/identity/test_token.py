#!/usr/bin/python3
"""Release and root keys that stay on a PKCS#11 token: SoftHSM, made here in a folder of its own.

    test_token.py MUSTER ELF
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

MUSTER, ELF = sys.argv[1:3]
MODULE = next((p for p in ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
                           "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so") if os.path.exists(p)), None)
PIN = "135790"


@unittest.skipUnless(MODULE and shutil.which("softhsm2-util"), "needs softhsm2")
class Token(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.mkdtemp(prefix="muster-token.")
        os.mkdir(cls.path("tokens"))
        cls.env = dict(os.environ, SOFTHSM2_CONF=cls.path("softhsm2.conf"))
        cls.env.pop("MUSTER_PIN", None)
        # libp11 never frees its tables of methods, 770 bytes per process; for our own leaks there are the unit tests.
        cls.env["ASAN_OPTIONS"] = cls.env.get("ASAN_OPTIONS", "") + ":detect_leaks=0"
        cls.write("softhsm2.conf", "directories.tokendir = %s\nlog.level = ERROR\n" % cls.path("tokens"))
        cls.write("pin", PIN + "\n")
        cls.write("wrong", "999999\n")
        cls.tool("softhsm2-util", "--init-token", "--free", "--label", "muster", "--pin", PIN, "--so-pin", "97531")
        for number, name in enumerate(("release", "root", "p384"), 1):
            curve = "secp384r1" if name == "p384" else "P-256"
            cls.tool("openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:" + curve, "-out", cls.path("k.pem"))
            cls.tool("softhsm2-util", "--import", cls.path("k.pem"), "--token", "muster", "--label", name, "--id", "%02d" % number, "--pin", PIN)
            os.remove(cls.path("k.pem"))
        cls.tool(MUSTER, "pki", "init", "--dir", cls.path("fleet"), "--fleet", "hsm")
        cls.tool(MUSTER, "release", "build", "--elf", ELF, "--product", "weather", "--hw", "linux", "--version", "1.4.0",
                 "--security", "1", "--out", cls.path("w.bin"))

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.dir)

    @classmethod
    def path(cls, name):
        return os.path.join(cls.dir, name)

    @classmethod
    def write(cls, name, text):
        with open(cls.path(name), "w") as f:
            f.write(text)

    @classmethod
    def tool(cls, *argv):
        subprocess.run(argv, check=True, env=cls.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def uri(self, name, pin="pin", token="muster", module=MODULE):
        return "pkcs11:token=%s;object=%s?module-path=%s%s" % (token, name, module, "&pin-source=file:" + self.path(pin) if pin else "")

    def run_muster(self, *argv, **env):
        return subprocess.run([MUSTER, "--profile", self.path("fleet/profile.ini"), *argv], capture_output=True, text=True,
                              env=dict(self.env, **env), stdin=subprocess.DEVNULL, timeout=60)

    def sign(self, uri, **env):
        return self.run_muster("release", "sign", self.path("w.bin"), "--key", uri, "--out", self.path("w.jws"), **env)

    def good(self, done):
        self.assertEqual(done.returncode, 0, done.stderr)
        return done

    def bad(self, text, done):
        self.assertEqual(done.returncode, 2, done.stdout)
        self.assertIn(text, done.stderr)
        self.assertNotIn(PIN, done.stderr + done.stdout)
        self.assertNotIn("Enter", done.stderr + done.stdout)

    def test_1_a_release_is_signed_on_the_token_and_trusted(self):
        uri = self.uri("release")
        self.bad("install", self.sign(uri, OPENSSL_ENGINES="/nonexistent"))
        self.good(self.sign(uri))
        refused = self.run_muster("release", "publish", self.path("w.bin"))
        self.assertNotEqual(refused.returncode, 0, "no keyset names that key yet")
        made = json.loads(self.good(self.run_muster("keys", "rotate", "release", "--key", uri, "--yes", "--json")).stdout)
        self.good(self.run_muster("release", "publish", self.path("w.bin")))
        shown = json.loads(self.good(self.run_muster("keys", "show", "--json")).stdout)
        self.assertIn({"kid": made["kid"], "role": "release", "revoked": False}, shown["keys"])

    def test_2_the_profile_may_name_a_token(self):
        with open(self.path("fleet/profile.ini")) as f:
            lines = f.read().splitlines()
        changed = ["release_key = " + self.uri("release") if line.startswith("release_key") else line for line in lines]
        self.assertNotEqual(lines, changed)
        self.write("fleet/profile.ini", "\n".join(changed) + "\n")
        self.good(self.run_muster("release", "sign", self.path("w.bin"), "--out", self.path("again.jws")))

    def test_3_the_root_may_live_on_a_token(self):
        root = self.uri("root")
        self.good(self.run_muster("keys", "rotate", "root", "--key", root, "--yes"))
        os.rename(self.path("fleet/pki/keys/root.key"), self.path("root.away"))
        self.good(self.run_muster("keys", "rotate", "rollout", "--root", root, "--yes"))

    def test_4_what_is_wrong_is_said(self):
        self.bad("refuses the PIN", self.sign(self.uri("release", pin="wrong")))
        self.bad("is not there without a PIN", self.sign(self.uri("release", pin=None)))
        self.good(self.sign(self.uri("release", pin=None), MUSTER_PIN=PIN))
        self.bad("is the token plugged in", self.sign(self.uri("nobody")))
        self.bad("is the token plugged in", self.sign(self.uri("release", token="gone")))
        self.bad("does not load", self.sign(self.uri("release", module="/nonexistent.so")))
        self.bad("pin-source can't be read: No such file", self.sign(self.uri("release", pin="nowhere")))
        self.bad("not an ECDSA key over P-256", self.sign(self.uri("p384")))
        shown = self.sign("pkcs11:token=muster;object=release?pin-value=" + "1" * 6)
        self.bad("where others can read it", shown)

    def test_5_a_token_that_goes_away_is_missed(self):
        os.rename(self.path("tokens"), self.path("drawer"))
        os.mkdir(self.path("tokens"))
        try:
            self.bad("is the token plugged in", self.sign(self.uri("release")))
        finally:
            os.rmdir(self.path("tokens"))
            os.rename(self.path("drawer"), self.path("tokens"))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
