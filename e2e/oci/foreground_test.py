#!/usr/bin/env python3
"""run and exec that stay: the terminal between them and the container, and signals to them."""

import os
import signal
import subprocess
import time

import runtime

MUCH = "yes | head -c 300000; echo END"
MUCH_BYTES = 450000  # a terminal makes two bytes of a newline
FEW = 5


class ForegroundTest(runtime.RuntimeTest):

    def begin(self, *args, **options):
        """The runtime in the background."""
        process = subprocess.Popen([self.runtime, "--root", self.root, *args],
                                   stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, **options)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.addCleanup(process.stderr.close)
        return process

    def begin_run(self, **options):
        return self.begin("run", "--bundle", self.bundle, self.id, **options)

    def terminal(self, config):
        config["process"]["terminal"] = True

    def read_late(self, blocking, *args):
        """What the runtime writes into a pipe whose reader is slow, and its exit code."""
        read, write = os.pipe()
        os.set_blocking(write, blocking)
        process = self.begin(*args, stdout=write)
        os.close(write)
        time.sleep(1)
        with os.fdopen(read, "rb") as file:
            text = file.read()
        return text, process.wait(timeout=runtime.TIMEOUT)

    def test_a_slow_reader_of_a_terminal_gets_all(self):
        self.config("sh", "-c", MUCH, change=self.terminal)
        for blocking in (True, False):
            text, code = self.read_late(blocking, "run", "--bundle", self.bundle, self.id)
            self.assertEqual((len(text), text[-FEW:], code), (MUCH_BYTES + FEW, b"END\r\n", 0))

    def test_a_slow_reader_of_execs_terminal_gets_all(self):
        self.start_sleeper()
        for blocking in (True, False):
            text, code = self.read_late(blocking, "exec", "--tty", self.id, "sh", "-c", MUCH)
            self.assertEqual((len(text), text[-FEW:], code), (MUCH_BYTES + FEW, b"END\r\n", 0))

    def test_signals_count_while_a_reader_is_waited_for(self):
        self.config("sh", "-c", "trap 'exit 9' TERM; while :; do echo y; done",
                    change=self.terminal)
        read, write = os.pipe()
        process = self.begin_run(stdout=write)
        os.close(write)
        self.wait_for_output(read)
        process.send_signal(signal.SIGTERM)
        with os.fdopen(read, "rb") as file:
            time.sleep(0.2)
            while file.read(1 << 16):
                pass
        self.assertEqual(process.wait(timeout=runtime.TIMEOUT), 9)

    def wait_for_output(self, read):
        """Until the pipe is full, as far as can be told: it has been filling for a while."""
        self.assertEqual(os.read(read, 1), b"y")
        time.sleep(0.3)

    def test_a_container_goes_on_without_a_reader_of_its_terminal(self):
        done = os.path.join(self.folder, "done")
        os.mkdir(done)

        def change(config):
            config["process"]["terminal"] = True
            config["mounts"].append({"destination": "/tmp", "type": "bind", "source": done,
                                     "options": ["rbind"]})
        self.config("sh", "-c", "trap 'touch /tmp/pipe' PIPE; %s; touch /tmp/end; exit 3" % MUCH,
                    change=change)
        process = self.begin_run(stdout=subprocess.PIPE)
        process.stdout.read(1)
        process.stdout.close()
        self.assertEqual(process.wait(timeout=runtime.TIMEOUT), 3)
        self.assertEqual(os.listdir(done), ["end"])
        self.assertEqual(self.oci("list", "--quiet").stdout, "")

    def test_sigpipe_is_passed_on_as_others_are(self):
        self.config("sh", "-c", "trap 'exit 9' PIPE; echo ready; while :; do sleep 0.05; done")
        process = self.begin_run(stdout=subprocess.PIPE)
        self.assertEqual(process.stdout.readline(), b"ready\n")
        process.send_signal(signal.SIGPIPE)
        self.assertEqual(process.wait(timeout=runtime.TIMEOUT), 9)
        process.stdout.close()
        self.assertEqual(self.oci("list", "--quiet").stdout, "")


if __name__ == "__main__":
    runtime.main()
