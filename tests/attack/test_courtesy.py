#!/usr/bin/env python3
"""A device that waits its turn: it keeps its slot over a power cut, can be called off at any time, lets an order expire, and comes back
when the server said. On real processes, so the seconds are real."""
import hashlib
import os
import threading
import time
import unittest

from gateway import Gateway, make_certificate
from kit import Cases, slot_delay, tests_of, wait_until

SIZE = 100000
JITTER = 600


def whole(request, body):
    at = request.range()
    request.head("206 Partial Content" if at else "200 OK", Content_Length=len(body) - at,
                 Content_Range="bytes %d-%d/%d" % (at, len(body) - 1, len(body)) if at else None)
    request.send(body[at:])


@tests_of
class Courtesy(Cases):
    devices = 5

    @classmethod
    def prepare(cls):
        super().prepare()
        cert, key = make_certificate(cls.fleet, "evil", "127.0.0.1")
        cls.gw = Gateway(cert, key)

    @classmethod
    def tearDownClass(cls):
        cls.gw.close()
        super().tearDownClass()

    def __init__(self, *args):
        super().__init__(*args)
        self.image = os.urandom(SIZE)

    def serve(self, case, handler=None):
        self.case = case
        return self.gw.serve(case, handler or (lambda r: whole(r, self.image)))

    def order(self, d, url, delay=0, **order):
        """An order whose jitter, which the device computes for itself, lets it start after `delay` to `delay` + 1 seconds."""
        self.before = d.snapshot()
        jitter = JITTER if delay else 0
        self.rollout = next(r for r in ("%s-%s-%d" % (self.case, d.id, i) for i in range(100000)) if slot_delay(r, d.id, jitter) == delay)
        release = d.release(size=SIZE, sha256=hashlib.sha256(self.image).hexdigest())
        text = d.signed(release, url=url, rollout=self.rollout, jitter=jitter, **order)
        self.delay = delay
        self.since = time.time()
        self.topic = "devices/%s/commands/update" % d.id
        self.ear.publish(self.topic, b'{"order":"%s","release":"%s"}' % tuple(t.encode() for t in text), retain=True)

    def slot(self, d):
        """Of the report that it waits. It is `delay` seconds after the device got the order: not before we sent it, not after it said so."""
        r = d.wait_report(self.since, 10, state="waiting", rollout=self.rollout)
        self.assertTrue(int(self.since) <= r["slot"] - self.delay <= r["ts"], r)
        return r["slot"]

    def clear(self):
        self.ear.publish(self.topic, b"", retain=True)

    def ends(self, d, state, reason, seconds=40):
        r = d.wait_report(self.since, seconds, state={"failed", "rejected", "done", "expired", "aborted"}, rollout=self.rollout)
        self.assertEqual((r["state"], r["reason"]), (state, reason), r)
        self.clear()
        return r

    def requests(self):
        return self.gw.seen(self.case)

    # ---- slots
    def case_slot_is_kept_over_a_power_cut(self, d):
        self.order(d, self.serve("slot"), delay=15)
        slot = self.slot(d)
        for _ in range(2):
            d.off()
            again = time.time()
            d.on()
            d.wait_online(again)
            self.assertEqual(d.wait_report(again, 10, state="waiting")["slot"], slot)
        self.ends(d, "failed", "image_invalid")
        self.assertGreaterEqual(self.requests()[0].when, slot)
        self.assertLess(self.requests()[0].when, slot + 60)  # a new draw would be within ten minutes

    def case_a_slot_missed_while_off_is_taken_soon_after(self, d):
        self.order(d, self.serve("missed"), delay=3)
        d.wait_report(self.since, 10, state="waiting")
        d.off()
        time.sleep(5)
        d.on()
        self.ends(d, "failed", "image_invalid")

    def case_both_sides_compute_the_same_slot(self, d):
        self.order(d, self.serve("same"), delay=2)
        self.slot(d)
        self.ends(d, "failed", "image_invalid")

    # ---- aborts
    def case_abort_while_waiting(self, d):
        """Acknowledged, and when its time comes nothing happens."""
        self.order(d, self.serve("abort-wait"), delay=9)
        d.wait_report(self.since, 10, state="waiting")
        r = d.abort(self.rollout)
        self.assertEqual(r["reason"], "aborted_by_operator")
        time.sleep(max(0.0, self.since + 11 - time.time()))
        self.assertEqual(self.requests(), [])
        self.clear()
        self.assertEqual(d.snapshot(), self.before)

    def case_abort_while_waiting_holds_over_a_power_cut(self, d):
        """The retained order comes again with the connection, and is known to be over."""
        self.order(d, self.serve("abort-cut"), delay=10)
        d.wait_report(self.since, 10, state="waiting")
        d.abort(self.rollout)
        d.off()
        again = time.time()
        d.on()
        d.wait_online(again)
        time.sleep(max(0.0, self.since + 12 - time.time()))
        self.assertEqual(self.requests(), [])
        self.assertEqual([r for r in d.reports(again) if r["state"] in ("received", "waiting", "downloading")], [])
        self.clear()

    def case_abort_in_mid_download(self, d):
        def slow(request):
            request.head("200 OK", Content_Length=SIZE)
            request.drip(self.image, 2000, 0.6)
        self.order(d, self.serve("abort-load", slow))
        d.wait_report(self.since, 10, state="downloading")
        time.sleep(1)
        r = d.abort(self.rollout)
        self.assertEqual(r["reason"], "aborted_by_operator")
        request = self.requests()[0]
        wait_until("the device hung up", 5, lambda: request.gone)
        self.assertLess(request.sent, SIZE)
        self.clear()
        time.sleep(1)
        self.assertEqual(len(self.requests()), 1)
        self.assertEqual(d.snapshot(), self.before)

    def case_abort_while_paused(self, d):
        self.order(d, self.serve("abort-pause", lambda r: r.head("503 Busy", Retry_After="8", Content_Length=0)))
        d.wait_report(self.since, 10, state="paused")
        d.abort(self.rollout)
        time.sleep(max(0, self.requests()[0].when + 11 - time.time()))  # 8 s and up to a quarter more
        self.assertEqual(len(self.requests()), 1)
        self.clear()
        self.assertEqual(d.snapshot(), self.before)

    def case_abort_of_another_rollout(self, d):
        self.order(d, self.serve("abort-other"), delay=3)
        d.wait_report(self.since, 10, state="waiting")
        self.assertEqual(d.abort("another-one")["reason"], "no_rollout")
        self.ends(d, "failed", "image_invalid")

    # ---- expiry
    def case_an_order_that_expires_while_waiting(self, d):
        exp = int(time.time()) + 8
        self.order(d, self.serve("expire-wait"), delay=16, exp=exp)
        d.wait_report(self.since, 10, state="waiting")
        r = self.ends(d, "expired", "expired")
        self.assertGreaterEqual(r["ts"], exp)
        self.assertEqual(self.requests(), [])
        self.assertEqual(d.snapshot(), self.before)

    def case_an_order_that_expires_while_off(self, d):
        exp = int(time.time()) + 8
        self.order(d, self.serve("expire-off"), delay=16, exp=exp)
        d.wait_report(self.since, 10, state="waiting")
        d.off()
        time.sleep(max(0, exp + 1 - time.time()))
        d.on()
        self.ends(d, "expired", "expired", 15)
        self.assertEqual(self.requests(), [])

    def case_an_order_that_expires_in_mid_download(self, d):
        def slow(request):
            request.head("200 OK", Content_Length=SIZE)
            request.drip(self.image, 1000, 0.3)
        self.order(d, self.serve("expire-load", slow), exp=int(time.time()) + 8)
        self.ends(d, "expired", "expired", 15)
        self.assertEqual(d.snapshot(), self.before)

    # ---- the server says later
    def later(self, d, case, status):
        """Twice `come back in 3 s`: it comes back after 3 to 3.75 s, not before. (A loaded machine adds some of its own.)"""
        times = []

        def busy(request):
            times.append(request.when)
            if len(times) <= 2:
                request.head(status, Retry_After="3", Content_Length=0)
            else:
                whole(request, self.image)
        self.order(d, self.serve(case, busy))
        paused = d.wait_report(self.since, 10, state="paused")
        self.assertEqual(paused["reason"], "http_status")
        self.ends(d, "failed", "image_invalid")
        for a, b in zip(times, times[1:]):
            self.assertGreaterEqual(b - a, 2.95)
            self.assertLess(b - a, 3.75 + 60)

    def case_retry_after_of_a_503(self, d):
        self.later(d, "503", "503 Service Unavailable")

    def case_retry_after_of_a_429(self, d):
        self.later(d, "429", "429 Too Many Requests")

    def case_retry_after_as_a_date(self, d):
        dates = []

        def busy(request):
            if not dates:
                dates.append(int(time.time()) + 5)
                at = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(dates[0]))
                return request.head("503 Service Unavailable", Retry_After=at, Content_Length=0)
            whole(request, self.image)
        self.order(d, self.serve("date", busy))
        self.ends(d, "failed", "image_invalid")
        self.assertGreaterEqual(self.requests()[1].when, dates[0] - 1)  # seconds are rounded

    def case_retry_after_beyond_all_bounds(self, d):
        """It can still be called off at once, and is not asked again meanwhile."""
        self.order(d, self.serve("years", lambda r: r.head("429 Too Many", Retry_After="99999999999999999999", Content_Length=0)))
        d.wait_report(self.since, 10, state="paused")
        time.sleep(2)
        d.abort(self.rollout)
        self.assertLessEqual(len(self.requests()), 6)  # a number that is none: the usual back-off, drawn by chance
        self.clear()

    def case_a_pause_is_kept_short_after_a_power_cut_but_not_skipped(self, d):
        """A site whose power comes back does not ask as one."""
        off = threading.Event()

        def half(request):
            request.head("200 OK", Content_Length=SIZE)
            request.send(self.image[:70000])
            off.wait(60)
        calls = []
        slot = {"ota_0": 0x1E0000, "ota_1": 0x20000}[d.status()["slot"]]  # the one that does not run

        def handler(request):
            calls.append(request.range())
            (half if len(calls) == 1 else lambda r: whole(r, self.image))(request)
        self.order(d, self.serve("cut", handler))
        d.wait_report(self.since, 10, state="downloading")
        wait_until("64 KB are there", 10, lambda: d.flash_holds(slot, self.image[:65536]), every=0.05)
        time.sleep(1)  # and the device has made a note of it
        d.off()
        off.set()
        d.on()
        self.ends(d, "failed", "image_invalid", 30)
        self.assertEqual(calls, [0, 65536], "what was there is not fetched again")


if __name__ == "__main__":
    unittest.main(verbosity=1)
