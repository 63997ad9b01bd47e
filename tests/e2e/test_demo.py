"""scripts/demo: several at once, every command works against its profile, and nothing is left behind."""
import os
import signal
import subprocess
import tempfile
import unittest

from harness import BUILD, PATIENCE, SOURCE, Fleet, main, wait_until


def processes_of(folder):
    """Processes whose command line names the folder."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/cmdline" % pid, "rb") as f:
                line = f.read().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if folder in line and int(pid) != os.getpid():
            found.append((int(pid), line))
    return found


class Demo(unittest.TestCase):
    def nothing_runs(self, *folders):
        """Those that were told to stop may still be on their way out."""
        wait_until("all have ended", 10, lambda: not sum(map(processes_of, folders), []))

    def test_two_run_side_by_side_and_leave_nothing(self):
        a = Fleet(2)
        try:
            b = Fleet(3)
            try:
                self.assertEqual(len(a.ls("product:weather")), 2)
                self.assertEqual(len(b.ls("product:weather")), 3)
                self.assertEqual(len(a.json("release", "ls")), 3)
                self.assertEqual(a.run("doctor").returncode, 0)
                self.assertEqual(a.run("journal", "verify").returncode, 0)
                self.assertEqual(a.json("rollout", "ls"), [])
                self.assertGreaterEqual(len(a.json("pki", "show")), 5)
            finally:
                b.stop()
        finally:
            a.stop()
        self.nothing_runs(a.dir, b.dir)

    def test_a_killed_and_restarted_device_is_stopped_too(self):
        f = Fleet(1)
        f.power_off("sensor-001")
        p = f.power_on("sensor-001")
        wait_until("it runs", 10, lambda: f.pid("sensor-001") == p.pid)
        f.children.remove(p)  # the demo is to stop it, not we
        f.stop()
        p.wait(PATIENCE)
        self.nothing_runs(f.dir)

    def test_without_a_folder_it_makes_one_and_removes_it(self):
        with tempfile.TemporaryDirectory() as tmp:
            p = subprocess.Popen([os.path.join(SOURCE, "scripts", "demo"), "--no-console", "--devices", "1"], stdout=subprocess.PIPE,
                                 stderr=subprocess.DEVNULL, text=True, env=dict(os.environ, MUSTER_BUILD=BUILD, TMPDIR=tmp))
            self.assertEqual(p.stdout.readline().strip(), "ready")
            self.assertEqual(len(os.listdir(tmp)), 1)
            p.send_signal(signal.SIGTERM)
            self.assertEqual(p.wait(PATIENCE), 0)
            p.stdout.close()
            self.assertEqual(os.listdir(tmp), [])

    def test_the_same_folder_can_be_started_again(self):
        with tempfile.TemporaryDirectory() as tmp:
            os.environ["KEEP"] = "1"
            try:
                a = Fleet(1, directory=tmp)
                boot = a.ls()["sensor-001"]["boot"]
                a.stop()
                b = Fleet(1, directory=tmp)
                self.assertNotEqual(b.ls()["sensor-001"]["boot"], boot)
                b.stop()
            finally:
                del os.environ["KEEP"]

    def test_wrong_usage_is_exit_2(self):
        for args in (["--devices", "x"], ["--devices", "0"], ["--bogus"]):
            p = subprocess.run([os.path.join(SOURCE, "scripts", "demo"), *args], capture_output=True)
            self.assertEqual(p.returncode, 2, args)


if __name__ == "__main__":
    main()
