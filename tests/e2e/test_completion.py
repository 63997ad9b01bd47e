"""Shells complete what only a fleet knows: ids, releases, rules, silences. Typed into real shells; ids that a shell would run do nothing."""
import os
import pty
import re
import select
import shutil
import signal
import sqlite3
import subprocess
import tempfile

from harness import MUSTER, FleetTest, main, wait_until

HOSTILE = ["sensor-$(touch pwned)", "sensor-`touch pwned`", "sensor-;touch pwned", "sensor-0 02", "sensor-\ntouch pwned", "sensor-'\"", "sensor-*", "sensor-~",
           "sensor-\x1b[31m", "sensor-&& touch pwned", "-sensor-rf"]
SETUP = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], "bind 'set bell-style none'; bind 'set page-completions off'; source <(muster completion bash)"),
    "zsh": (["zsh", "-f", "-i"], "autoload -Uz compinit; compinit -u -D; source <(muster completion zsh)"),
}


def plain(text):
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]|[\0\a\x0e\x0f]", "", text)


def shown(text):
    """What stands on the line that is typed: shells go back in it and write over."""
    lines, row, at = [[]], 0, 0
    for c in plain(text):
        if c == "\b":
            at = max(at - 1, 0)
        elif c == "\r":
            at = 0
        elif c == "\n":
            lines.append([])
            row, at = row + 1, 0
        else:
            lines[row][at:at + 1] = c
            at += 1
    return "\n".join("".join(line) for line in lines)


class Typist:
    """An interactive shell on a terminal of its own."""

    def __init__(self, shell, folder, env):
        argv, setup = SETUP[shell]
        self.text = ""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.execvpe(argv[0], argv, env)
        self.type("PS1='READY''> '; PROMPT='READY''> '; stty cols 200; " + setup + "\r")
        self.wait("READY> ")

    def type(self, text):
        os.write(self.fd, text.encode())

    def wait(self, *wanted):
        """Until what was said since the last line holds it all; what was said, as it came and as it stands."""
        def said():
            while select.select([self.fd], [], [], 0)[0]:
                try:
                    self.text += os.read(self.fd, 65536).decode("utf-8", "replace")
                except OSError:
                    break
            said = plain(self.text) + "\n" + shown(self.text)
            return said if all(word in said for word in wanted) else None
        try:
            return wait_until("the shell says " + ", ".join(wanted), 30, said, every=0.05)
        except AssertionError as e:
            raise AssertionError("%s\n%r" % (e, self.text[-2000:])) from None

    def line(self, text, *wanted):
        """A line with its Tabs, never entered; what the shell made of it."""
        self.text = ""
        self.type(text)
        said = self.wait(*wanted)
        self.text = ""
        self.type("\x15 :\r")  # the line away, and a prompt that is no older one
        self.wait("READY> ")
        return said

    def close(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.fd)


class Completion(FleetTest):
    devices = 3

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.rollout = cls.fleet.start("weather@1.4.0", "--stages", "canary:1/1h")
        cls.silence = str(cls.fleet.json("alerts", "silence", "id=sensor-001", "--for", "1h", "--reason", "test")["id"])
        wait_until("the devices are known", 30, lambda: cls.answers("tail", "sensor-00") == ["sensor-001", "sensor-002", "sensor-003"])
        with open(cls.fleet.profile) as f:
            journal = [line.split("=", 1)[1].strip() for line in f if line.replace(" ", "").startswith("path=") and "muster" in line]
        known = sqlite3.connect(os.path.join(os.path.dirname(cls.fleet.profile), journal[0]) + "-known", timeout=20)
        with known:
            for device in HOSTILE:
                known.execute("INSERT INTO known(id,last_ms,interval_ms,status,readings) VALUES(?,0,0,'','')", (device,))
        known.close()
        cls.folder = tempfile.mkdtemp(prefix="muster-completion-")
        bin_folder = os.path.join(cls.folder, "bin")
        os.mkdir(bin_folder)
        os.symlink(MUSTER, os.path.join(bin_folder, "muster"))
        cls.work = os.path.join(cls.folder, "work")
        os.mkdir(cls.work)
        cls.env = dict(os.environ, PATH=bin_folder + ":" + os.environ["PATH"], MUSTER_PROFILE=cls.fleet.profile, TERM="vt100", HOME=cls.work,
                       XDG_CONFIG_HOME=cls.work, XDG_DATA_HOME=cls.work, XDG_CACHE_HOME=cls.work)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder, ignore_errors=True)
        super().tearDownClass()

    @classmethod
    def answers(cls, *words, code=0):
        done = subprocess.run([MUSTER, "complete", "--", "--profile", cls.fleet.profile, *words], capture_output=True, text=True, timeout=120)
        assert done.returncode == code, (words, done)
        assert not done.stderr, done.stderr
        return done.stdout.splitlines()

    def tearDown(self):
        self.assertEqual(os.path.exists(os.path.join(self.work, "pwned")), False)

    def test_1_each_place_gets_what_stands_there(self):
        self.assertEqual(self.answers("tail", ""), ["sensor-001", "sensor-002", "sensor-003"])
        self.assertEqual(self.answers("device", "show", "sensor-002"), ["sensor-002"])
        self.assertEqual(self.answers("rollout", "show", ""), [self.rollout])
        self.assertEqual(self.answers("rollout", "retry", self.rollout, "sensor-003"), ["sensor-003"])
        self.assertEqual(self.answers("journal", "ls", "--rollout", "r-"), [self.rollout])
        self.assertIn("weather@1.4.0", self.answers("rollout", "start", "--release", "weather@"))
        self.assertEqual(self.answers("release", "ls", ""), ["weather"])
        self.assertIn("offline", self.answers("alerts", "silence", "--rule", ""))
        self.assertEqual(self.answers("alerts", "unsilence", ""), [self.silence])
        self.assertEqual(self.answers("alerts", "ack", "offline", ""), [])

    def test_2_elsewhere_it_says_that_it_knows_nothing(self):
        for words in (("ls", ""), ("rollout", "start", ""), ("rollout", "start", "--jitter", ""), ("nonsense", ""), ("device", "show", "--js"), ("",), ()):
            self.assertEqual(self.answers(*words, code=1), [])

    def test_3_without_a_fleet_it_is_quiet(self):
        done = subprocess.run([MUSTER, "complete", "--", "--profile", "/nonexistent.ini", "tail", ""], capture_output=True, text=True, timeout=120)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    def typed(self, shell):
        typist = Typist(shell, self.work, self.env)
        self.addCleanup(typist.close)
        tabs = {"bash": "\t\t\t", "zsh": "\t\t"}[shell]  # until it lists; once more, and zsh would take the first
        listed = typist.line("muster tail sens" + tabs, "sensor-001", "sensor-002", "sensor-003")
        self.assertNotIn("touch", listed)
        typist.line("muster device show sensor-002\t", "show sensor-002 ")
        typist.line("muster rollout show r-\t", "show " + self.rollout)
        self.assertNotIn("weather@weather", typist.line("muster release show weather@1.4\t", "show weather@1.4.0"))
        typist.line("muster rollout start --release weather@1.4\t", "--release weather@1.4.0")
        typist.line("muster --profile %s alerts silence --rule offl\t" % self.fleet.profile, "--rule offline")
        typist.line("muster alerts silence --reason 'oven day' --rule offl\t", "--rule offline")
        typist.line("muster alerts unsilence \t", "unsilence " + self.silence)
        typist.line("muster roll\t", "muster rollout")

    def test_4_bash_completes_them_as_they_are_typed(self):
        self.typed("bash")

    def test_5_zsh_completes_them_as_they_are_typed(self):
        self.typed("zsh")

    def fish(self, line):
        script = "source (muster completion fish | psub); complete -C \"$argv[1]\""
        done = subprocess.run(["fish", "--no-config", "-c", script, line], env=self.env, cwd=self.work, capture_output=True, text=True, timeout=120)
        return [answer.split("\t")[0] for answer in done.stdout.splitlines()]

    def test_6_fish_completes_them(self):
        self.assertEqual(self.fish("muster tail sens"), ["sensor-001", "sensor-002", "sensor-003"])
        self.assertEqual(self.fish("muster rollout show r-"), [self.rollout])
        self.assertEqual(self.fish("muster release show weather@1.4"), ["weather@1.4.0"])
        self.assertEqual(self.fish("muster alerts silence --rule offl"), ["offline"])
        self.assertEqual(self.fish("muster alerts unsilence ")[:1], [self.silence])


if __name__ == "__main__":
    main()
