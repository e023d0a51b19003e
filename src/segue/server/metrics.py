"""What the service counts, in the text form that Prometheus reads."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_SECONDS = (0.1, 0.25, 0.5, 1, 2, 4, 8, 16, 32, 64, 128, 256)


class Metrics:
    """The counters of one application; several may live in one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "segue_requests", "Requests answered.", ["method", "route", "status"],
            registry=self.registry,
        )  # fmt: skip
        self.request_seconds = Histogram(
            "segue_request_seconds", "Seconds to answer a request.", ["route"], buckets=_SECONDS,
            registry=self.registry,
        )  # fmt: skip
        self.accepted = Counter("segue_jobs_accepted", "Jobs.", ["kind"], registry=self.registry)
        self.ended = Counter(
            "segue_jobs_ended", "Jobs by how they ended.", ["kind", "status"],
            registry=self.registry,
        )  # fmt: skip
        self.refused = Counter(
            "segue_refused", "Requests refused with 429.", ["what"], registry=self.registry
        )
        self.adopted = Counter(
            "segue_jobs_taken_over", "Jobs taken over from a fallen server.",
            registry=self.registry,
        )  # fmt: skip
        self.job_seconds = Histogram(
            "segue_job_seconds", "Seconds from start to end.", ["kind"], buckets=_SECONDS,
            registry=self.registry,
        )  # fmt: skip
        self.first_note = Histogram(
            "segue_first_note_seconds", "Seconds from start to the first note.", buckets=_SECONDS,
            registry=self.registry,
        )  # fmt: skip
        self.waiting = Gauge("segue_jobs_waiting", "Jobs that wait.", registry=self.registry)
        self.running = Gauge("segue_jobs_running", "Jobs under way.", registry=self.registry)
        self.batch = Gauge(
            "segue_batch_takes", "Takes in the running batches.", registry=self.registry
        )
        self._usual: dict[str, float] = {}

    def finished(self, kind: str, lane: str, status: str, seconds: float) -> None:
        """Note a job's end."""
        self.ended.labels(kind, status).inc()
        self.job_seconds.labels(kind).observe(seconds)
        self._usual[lane] = 0.8 * self._usual.get(lane, seconds) + 0.2 * seconds

    def usual_seconds(self, lane: str) -> float:
        """How long the latest jobs of a lane took."""
        return self._usual.get(lane, 2.0)

    def text(self) -> bytes:
        """All of it."""
        return generate_latest(self.registry)
