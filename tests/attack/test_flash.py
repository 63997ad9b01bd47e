#!/usr/bin/env python3
"""Flash that changes behind the device's back, and images that are signed but no good: what does not hold is not booted, and what was
booted and does not prove itself is left again."""
import hashlib
import os
import signal
import subprocess
import time
import unittest

from gateway import Gateway, make_certificate
from kit import DEVICE, MUSTER, Cases, tests_of, wait_until

SLOTS = {"ota_0": 0x20000, "ota_1": 0x1E0000}
OTADATA = 0xF000


def whole(request, body):
    request.head("200 OK", Content_Length=len(body))
    request.send(body)


def rehash(image):
    """The image with its appended digest made right again."""
    return image[:-32] + hashlib.sha256(image[:-32]).digest()


@tests_of
class Flash(Cases):
    devices = 4

    @classmethod
    def prepare(cls):
        super().prepare()
        cert, key = make_certificate(cls.fleet, "evil", "127.0.0.1")
        cls.gw = Gateway(cert, key)
        cls.old = cls.fleet.json("release", "show", "weather@1.3.0")["image"]
        cls.new = cls.fleet.json("release", "show", "weather@1.4.0")
        with open(os.path.join(cls.fleet.dir, "run", "weather-1.4.0.bin"), "rb") as f:
            cls.good = f.read()

    @classmethod
    def tearDownClass(cls):
        cls.gw.close()
        super().tearDownClass()

    # ---- pieces
    def order(self, d, image, url, **release):
        self.before = d.snapshot()
        self.rollout = "flash-%s-%d" % (d.id, d.seq)
        body = dict(version="1.4.0", seq=d.seq, size=len(image), sha256=hashlib.sha256(image).hexdigest())
        body.update(release)
        self.since = d.send(*d.signed(d.release(**body), url=url, rollout=self.rollout))

    def end(self, d, seconds=60):
        return d.wait_report(self.since, seconds, state={"failed", "rejected", "done", "expired", "aborted", "rolled_back"}, rollout=self.rollout)

    def untouched(self, d):
        self.assertEqual(d.snapshot(), self.before)

    def other_slot(self, d):
        return "ota_1" if d.status()["slot"] == "ota_0" else "ota_0"

    def flip(self, d, slot, offset):
        """A bit in each of two bytes: the image's XOR checksum stays right, only its hash tells."""
        with open(os.path.join(d.home, "flash.bin"), "r+b") as f:
            f.seek(SLOTS[slot] + offset)
            pair = f.read(2)
            f.seek(SLOTS[slot] + offset)
            f.write(bytes(byte ^ 0x10 for byte in pair))

    def update(self, d):
        """A good update, to the end."""
        self.order(d, self.good, self.fleet.ini["gateway"]["url"])
        r = self.end(d)
        self.assertEqual((r["state"], r["reason"]), ("done", "none"), r)
        wait_until("it runs", 20, lambda: d.status() and d.status().get("image") == self.new["image"])

    def fresh(self, d):
        d.reflash(self.factory_image())

    # ---- between check and boot
    def case_flash_changed_while_downloading(self, d):
        """What was written is read back from flash and hashed again."""
        slot = self.other_slot(d)

        def pause(request):
            request.head("200 OK", Content_Length=len(self.good))
            request.send(self.good[:90000])
            wait_until("the device has written it", 20, lambda: d.flash_holds(SLOTS[slot], self.good[:8192]), every=0.05)
            self.flip(d, slot, 5000)
            request.send(self.good[90000:])
        self.order(d, self.good, self.gw.serve("toctou1", pause))
        r = self.end(d)
        self.assertEqual((r["state"], r["reason"]), ("failed", "flash_verify"), r)
        self.untouched(d)

    def case_flash_changed_between_check_and_boot(self, d):
        """All of the agent's checks were good; the bootloader looks again."""
        for _ in range(10):
            slot = self.other_slot(d)
            self.order(d, self.good, self.fleet.ini["gateway"]["url"])
            wait_until("it restarts", 30, lambda: any(r["state"] == "rebooting" for r in d.reports(self.since)), every=0.005)
            d.fleet.kill(d.id, signal.SIGSTOP)
            self.flip(d, slot, 100000)
            d.fleet.kill(d.id, signal.SIGCONT)
            r = self.end(d)
            if r["state"] != "done":
                break
            self.fresh(d)  # the boot loader had looked before we came: once more, on flash that is whole
        self.assertEqual(r["state"], "rolled_back", r)
        self.assertEqual((r["reason"], r["detail"]), ("reset", "never reached its agent"))
        with open(os.path.join(d.home, "log"), errors="replace") as f:
            self.assertIn(slot + " passed over: its image", f.read())
        self.assertEqual([q["state"] for q in d.reports(self.since) if q["state"] == "trial"], [], "it never ran")
        self.assertEqual(d.status()["image"], self.old)
        self.update(d)  # and the next one is good again
        self.fresh(d)

    def case_flash_changed_while_power_is_off(self, d):
        """The bootloader hashes at every boot: the image that runs was damaged, the other one is whole."""
        self.update(d)
        slot = d.status()["slot"]
        d.off()
        self.flip(d, slot, 70000)
        since = time.time()
        d.on()
        status = d.wait_online(since)
        self.assertEqual((status["image"], status["fw"]), (self.old, "1.3.0"))
        self.fresh(d)

    def case_nothing_whole_is_left(self, d):
        """Then it says so and stays off, rather than run what is damaged."""
        self.update(d)
        d.off()
        for slot in SLOTS:
            self.flip(d, slot, 70000)
        done = subprocess.run([DEVICE, "--dir", d.home], capture_output=True, text=True, timeout=20)
        self.assertEqual(done.returncode, 1)
        self.assertIn("no slot holds an image that can be started", done.stderr)
        d.on()
        d.process.wait(20)
        self.assertEqual(d.process.returncode, 1)
        d.process = None
        subprocess.run([DEVICE, "--dir", d.home, "--flash", "--image", self.factory_image(), "--nvs", os.path.join(d.home, "nvs.csv")], check=True, capture_output=True)
        since = time.time()
        d.on()
        d.wait_online(since)

    def case_boot_records_overwritten_with_junk(self, d):
        d.off()
        with open(os.path.join(d.home, "flash.bin"), "r+b") as f:
            f.seek(OTADATA)
            f.write(os.urandom(0x2000))
        since = time.time()
        d.on()
        self.assertEqual(d.wait_online(since)["image"], self.old)
        self.fresh(d)

    def case_agents_records_overwritten_with_junk(self, d):
        """The device still starts what is whole, and measures. (That counters are lost with them is why a keyset has a seq_floor.)"""
        d.off()
        with open(os.path.join(d.home, "flash.bin"), "r+b") as f:
            f.seek(0x3A0000)
            f.write(os.urandom(0x10000))
        since = time.time()
        d.on()
        self.assertEqual(d.wait_online(since)["image"], self.old)
        wait_until("it measures", 15, lambda: self.ear.messages(d.id + "/telemetry/environment", since))
        self.fresh(d)

    # ---- signed, and no good
    def case_signed_images_that_would_not_boot(self, d):
        """The header is judged before the switch, as the bootloader will judge it."""
        good = self.good
        bad = {
            "magic": rehash(b"\xe8" + good[1:]),
            "chip": rehash(good[:12] + b"\0\0" + good[14:]),
            "checksum": rehash(good[:-33] + bytes([good[-33] ^ 1]) + good[-32:]),
            "segments": rehash(good[:1] + b"\x11" + good[2:]),
            "length": rehash(good[:28] + b"\xff\xff\xff\x7f" + good[32:]),
            "hash": good[:-1] + bytes([good[-1] ^ 1]),
            "tail": good + b"\0" * 16,
            "short": good[:5000],
            "empty": b"\0",
        }
        for name, image in bad.items():
            with self.subTest(name):
                self.order(d, image, self.gw.serve("bad-" + name, lambda r, i=image: whole(r, i)))
                r = self.end(d)
                self.assertEqual((r["state"], r["reason"]), ("failed", "image_invalid"), (name, r))
                self.untouched(d)

    def one_way_door(self, d, program, reasons):
        """A whole, signed image of a program that has no agent in it."""
        path = os.path.join(self.fleet.dir, "run", os.path.basename(program) + ".bin")
        if not os.path.exists(path):
            subprocess.run([MUSTER, "--profile", self.fleet.profile, "release", "build", "--elf", program, "--product", "weather", "--hw", "linux",
                            "--version", "1.9.0", "--security", "1", "-o", path, "-q"], check=True, capture_output=True)
        with open(path, "rb") as f:
            image = f.read()
        self.order(d, image, self.gw.serve("door-" + os.path.basename(program), lambda r: whole(r, image)), version="1.9.0")
        r = self.end(d, 90)
        self.assertEqual(r["state"], "rolled_back", r)
        self.assertIn(r["reason"], reasons, r)
        self.assertEqual(d.status()["image"], self.old)
        before = d.status()
        self.assertEqual(before["security"], 1)
        self.assertNotIn("release_seq", before, "a trial raises nothing")

    def case_one_way_door_a_program_that_ends(self, d):
        self.fresh(d)
        self.one_way_door(d, "/bin/true", ("reset", "panic"))

    def case_one_way_door_a_program_that_fails(self, d):
        self.fresh(d)
        self.one_way_door(d, "/bin/false", ("reset", "panic"))


if __name__ == "__main__":
    unittest.main(verbosity=1)
