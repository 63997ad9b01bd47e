"""The console's terminal manners with the real program: kinds of terminal, sizes, the mouse, pastes, signals, a reader that stops.

Each picture is waited for; no time is asserted. What needs no fleet is tested on a pseudo terminal in tests/unit/term.
"""
import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import termios
import threading
import time

from harness import MUSTER, FleetTest, main, wait_until
from test_console import Screen


class Tty:
    """The program on a pseudo terminal of which the test is the reader: it reads only while it is told to."""

    def __init__(self, argv, env, rows=24, cols=80):
        self.master, slave = os.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))
        self.before = termios.tcgetattr(slave)
        self.slave = slave  # kept open, so that the modes can be asked for after the program's end
        self.out = b""

        def own():
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        self.process = subprocess.Popen(argv, stdin=slave, stdout=slave, stderr=slave, env=dict(os.environ, LC_ALL="C.UTF-8", NO_COLOR="", **env),
                                        preexec_fn=own)

    def read(self, seconds=0.1):
        while select.select([self.master], [], [], seconds)[0]:
            self.out += os.read(self.master, 65536)

    def wait_for(self, *texts, seconds=60):
        def shown():
            self.read()
            return all(t.encode() in self.out for t in texts)
        wait_until("the terminal is sent %r" % (texts,), seconds, shown)

    def write(self, data):
        os.write(self.master, data)

    def modes_are_back(self):
        return termios.tcgetattr(self.slave)[:4] == self.before[:4]

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(30)
        os.close(self.master)
        os.close(self.slave)


class Terminal(FleetTest):
    devices = 4

    def open(self, term="screen-256color", args="", cols=80, rows=24, env=""):
        s = Screen("muster-term-%d-%d" % (os.getpid(), time.monotonic_ns()), "env TERM=%s %s --profile %s %s" % (term, MUSTER, self.fleet.profile, args),
                   cols, rows, env)
        self.addCleanup(s.close)
        return s

    def tty(self, profile=None):
        t = Tty([MUSTER, "--profile", profile or self.fleet.profile], {"TERM": "xterm-256color"})
        self.addCleanup(t.close)
        return t

    def other_profile(self, name, change):
        """The fleet's, changed."""
        path = os.path.join(self.fleet.dir, name)
        with open(self.fleet.profile) as f:
            text = change(f.read())
        with open(path, "w") as f:
            f.write(text)
        return path

    def leaves_sane(self, s):
        text = s.shows("exit=", "icanon", seconds=60)
        self.assertNotIn("-icanon", text)
        return text

    # ---- kinds of terminal -----------------------------------------------------------------------------------------
    def test_1_each_kind_of_terminal_shows_the_fleet(self):
        for term in ("xterm-256color", "xterm", "xterm-color", "screen", "screen-256color", "tmux-256color", "rxvt-unicode-256color", "vt100", "vt220", "linux",
                     "ansi", "cygwin", "xterm-kitty", "alacritty", "no-such-terminal"):
            with self.subTest(term=term):
                s = self.open(term)
                s.shows("sensor-001", "sensor-004", "quit", seconds=60)
                s.keys("/")
                s.type("id=sensor-003")
                wait_until("the filter holds", 60, lambda: "sensor-004 " not in s.text())
                s.keys("Enter", "Escape")
                s.shows("sensor-001", "sensor-004", seconds=60)
                s.keys("q")
                self.leaves_sane(s)
                s.close()

    def test_1_a_line_drawn_to_the_last_column_ends_there(self):
        """The descriptions say that the cursor is in the next line then; no terminal of today does that."""
        for term in ("ansi", "cygwin", "pcansi", "xterm"):
            with self.subTest(term=term):
                s = self.open(term)
                s.shows("sensor-001", "sensor-004", "q quit", seconds=60)

                def whole():
                    lines = s.text().splitlines()
                    return lines.count("─" * 80) == 2 and all(
                        sum("sensor-%03d" % n in line for line in lines) == 1 for n in range(1, 5))
                wait_until("two rules from edge to edge, each device once", 60, whole)
                s.keys("?")
                s.shows("keys: fleet", seconds=60)
                s.keys("Escape")
                wait_until("the same again", 60, whole)
                s.keys("q")
                self.leaves_sane(s)
                s.close()

    def test_1_a_dumb_terminal_is_refused_with_a_way_out(self):
        s = self.open("dumb")
        self.assertIn("try TERM=", self.leaves_sane(s))

    def test_1_without_utf8_only_ascii_is_drawn(self):
        s = self.open("xterm", env="LC_ALL=C LANG=C")
        text = s.shows("sensor-001", "sensor-004", seconds=60)
        self.assertTrue(text.isascii(), text)

    def test_1_it_needs_a_terminal_and_says_so(self):
        done = subprocess.run([MUSTER, "--profile", self.fleet.profile], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 2)
        self.assertIn("needs a terminal", done.stderr)

    # ---- windows ---------------------------------------------------------------------------------------------------
    def test_2_tiny_and_huge_windows(self):
        s = self.open()
        s.shows("sensor-001", seconds=60)
        for cols, rows in ((2, 1), (10, 3), (300, 100), (40, 8), (59, 14), (500, 200), (80, 24)):
            s.tmux("resize-window", "-x", str(cols), "-y", str(rows))
        s.shows("sensor-001", "sensor-004", "quit", seconds=60)
        s.keys("q")
        self.leaves_sane(s)

    # ---- signals ---------------------------------------------------------------------------------------------------
    def test_3_every_signal_that_ends_it_leaves_a_sane_terminal(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGSEGV, signal.SIGABRT):
            with self.subTest(signal=number):
                s = self.open()
                s.shows("sensor-001", seconds=60)
                os.kill(s.pid(), number)
                self.leaves_sane(s)
                s.close()

    def test_3_suspended_and_continued(self):
        for term in ("screen-256color", "linux"):  # linux: its description calls ^Z a key
            with self.subTest(term=term):
                self.suspend(term)

    def suspend(self, term):
        s = Screen("muster-job-%d-%s" % (os.getpid(), term), "env TERM=%s bash --norc -i" % term, 80, 24)
        self.addCleanup(s.close)
        s.type("%s --profile %s" % (MUSTER, self.fleet.profile))
        s.keys("Enter")
        s.shows("sensor-001", "quit", seconds=60)
        s.keys("C-z")
        s.shows("Stopped", seconds=60)
        s.type("stty -a | grep -o -- '-*icanon'")
        s.keys("Enter")
        wait_until("the shell's modes are sane", 60, lambda: "icanon" in s.text().splitlines())
        s.type("fg")
        s.keys("Enter")
        s.shows("sensor-001", "quit", seconds=60)
        s.keys("C-z")
        s.shows("Stopped", seconds=60)
        s.type("kill %1; wait; echo over")
        s.keys("Enter")
        wait_until("killed while it is stopped", 60, lambda: "over" in s.text().splitlines())

    # ---- keys that are none ----------------------------------------------------------------------------------------
    def test_4_a_paste_never_acts(self):
        t = self.tty()
        t.wait_for("sensor-004", "quit")
        for text in (b":q\r", b"q", b"r\t\r", b"y\n", b"\x03", b":quit\n:reboot\n\t\r"):
            t.write(b"\x1b[200~" + text + b"\x1b[201~")
        t.out = b""
        t.write(b"?")
        t.wait_for("keys: fleet")
        self.assertIsNone(t.process.poll())

    def no_theme(self):
        return self.other_profile("no-theme.ini", lambda text: text.replace("theme = default-dark", ""))

    def test_4_a_terminal_that_answers_late_types_nothing(self):
        t = self.tty(self.no_theme())
        t.wait_for("\x1b]11;?", "sensor-004", "quit")
        t.out = b""
        t.write(b"\x1b]11;rgb:ffff/ffff/ffff\x1b\\\x1b[?62;22c")
        t.write(b"?")
        t.wait_for("keys: fleet")

    def test_4_a_light_terminal_that_answers_gets_the_light_theme(self):
        colours = []
        for rgb in (b"ffff/ffff/ffff", b"0000/0000/0000"):
            t = self.tty(self.no_theme())
            t.write(b"\x1b]11;rgb:" + rgb + b"\x1b\\\x1b[?62;22c")
            t.wait_for("sensor-004", "quit")
            colours.append(set(re.findall(rb"38;5;(\d+)", t.out)))
        self.assertTrue(colours[0] and colours[1])
        self.assertNotEqual(colours[0], colours[1])

    # ---- a reader that stops ---------------------------------------------------------------------------------------
    def test_5_a_terminal_that_stops_reading_holds_up_nothing(self):
        t = self.tty()
        t.wait_for("sensor-004", "quit")
        # Nothing is read from here on; ^L asks for whole pictures, until the way is surely blocked.
        for _ in range(200):
            t.write(b"\x0c")
            time.sleep(0.01)
        t.write(b"q")
        wait_until("it has left", 60, lambda: t.process.poll() is not None)
        self.assertEqual(t.process.returncode, 0)
        self.assertTrue(t.modes_are_back())

    def test_5_the_terminal_goes_away(self):
        t = self.tty()
        t.wait_for("sensor-004", "quit")
        os.close(t.slave)
        os.close(t.master)
        wait_until("it has ended", 60, lambda: t.process.poll() is not None)
        t.master, t.slave = os.openpty()

    # ---- the mouse -------------------------------------------------------------------------------------------------
    def place(self, s, text):
        for row, line in enumerate(s.text().splitlines()):
            if text in line:
                return row, line.index(text)
        raise AssertionError("%r is not on the screen" % text)

    def press(self, s, term, text, button=0):
        row, col = self.place(s, text)
        if term.startswith("xterm"):
            data = "\x1b[<%d;%d;%dM\x1b[<%d;%d;%dm" % (button, col + 1, row + 1, button, col + 1, row + 1)
        else:  # of before SGR
            data = "\x1b[M%c%c%c\x1b[M#%c%c" % (32 + button, 33 + col, 33 + row, 33 + col, 33 + row)
        s.tmux("send-keys", "-H", *["%02x" % b for b in data.encode("latin-1")])

    def selected(self, s):
        return [line.split()[2] for line in s.text().splitlines() if line.lstrip().startswith("▸")]

    def test_6_the_mouse_selects_opens_sorts_presses_and_scrolls(self):
        for term in ("xterm-256color", "screen-256color"):
            with self.subTest(term=term):
                s = self.open(term, cols=120, rows=40)
                s.shows("sensor-001", "sensor-004", "rtt", seconds=60)
                self.press(s, term, "sensor-003")
                wait_until("a click selects", 60, lambda: self.selected(s) == ["sensor-003"])
                self.press(s, term, "sensor-003", 64)
                wait_until("the wheel moves", 60, lambda: self.selected(s) != ["sensor-003"])
                self.press(s, term, "sensor-002")
                wait_until("a click selects", 60, lambda: self.selected(s) == ["sensor-002"])
                self.press(s, term, "sensor-002")
                s.shows("› sensor-002", seconds=60)
                s.keys("Escape")
                s.shows("sensor-001", "sensor-004", seconds=60)
                for what in ("a header sorts", "and turns it"):  # the sort is kept from run to run: it may begin so
                    before = self.sorting(s)
                    self.press(s, term, "DEVICE")
                    wait_until(what, 60, lambda: self.sorting(s) != before and self.order(s) in (self.ids(), self.ids()[::-1]))
                self.press(s, term, "? help")
                s.shows("keys: fleet", seconds=60)
                s.keys("Escape")
                wait_until("closed", 60, lambda: "keys: fleet" not in s.text())
                self.press(s, term, "r reboot")
                s.shows("[ Cancel ]", seconds=60)
                self.press(s, term, " Reboot ")
                s.shows("[ Reboot ]", seconds=60)
                self.press(s, term, " Cancel ")
                wait_until("cancelled", 60, lambda: "Reboot ]" not in s.text() and "┌" not in s.text())
                s.keys("q")
                self.leaves_sane(s)
                s.close()

    def ids(self):
        return ["sensor-%03d" % n for n in range(1, 5)]

    def sorting(self, s):
        """By what, as the screen says it, and the order."""
        return re.findall(r"sort \w+ ", s.text().splitlines()[2]), self.order(s)

    def order(self, s):
        return [w for line in s.text().splitlines()[3:10] for w in line.split() if w in self.ids()][:4]

    def test_6_the_mouse_can_be_switched_off(self):
        t = self.tty(self.other_profile("no-mouse.ini", lambda text: text.replace("[ui]", "[ui]\nmouse = no")))
        t.wait_for("sensor-004", "quit")
        self.assertNotIn(b"\x1b[?1006", t.out)
        self.assertNotIn(b"\x1b[?1000h", t.out)
        t.out = b""
        t.write(b"\x1b[<0;10;7M?")
        t.wait_for("keys: fleet")

    def test_6_a_real_click_through_tmux(self):
        """A person's terminal, tmux with `mouse on`, the program: all three translate."""
        s = self.open("screen-256color")
        s.tmux("set", "-g", "mouse", "on")
        s.tmux("set", "-g", "status", "off")
        s.shows("sensor-001", "sensor-004", seconds=60)
        outer = Tty(["tmux", "-L", s.name, "attach"], {"TERM": "xterm-256color"})
        self.addCleanup(outer.close)
        outer.wait_for("\x1b[?1006h", "sensor-004")  # tmux asks its terminal for the mouse
        threading.Thread(target=self.keep_reading, args=(outer,), daemon=True).start()
        row, col = self.place(s, "sensor-004")
        outer.write(b"\x1b[<0;%d;%dM\x1b[<0;%d;%dm" % (col + 1, row + 1, col + 1, row + 1))
        wait_until("the click arrives", 60, lambda: self.selected(s) == ["sensor-004"])

    def keep_reading(self, outer):
        try:
            while outer.process.poll() is None:
                outer.read()
        except (OSError, ValueError):
            pass


if __name__ == "__main__":
    main()
