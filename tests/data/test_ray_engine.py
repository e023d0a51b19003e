"""The engine ray: the same corpus byte for byte as the local one, on a cluster of two nodes."""

import importlib.util
import pickle
import subprocess
import sys

import pytest
from tiny_encoding import PitchOnly
from tunes import folder_of

from segue.data import prepare
from segue.data.filters import Filters
from segue.data.ray_engine import _Reader
from segue.data.reading import Job
from segue.encodings import get
from segue.errors import DataError, MissingExtraError

# Without the extra `segue[cluster]` these tests are skipped, and pytest says so.
needs_ray = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None,
    reason="ray is not installed: pip install 'segue[cluster]' to test the engine ray",
)

# In a process of its own: Ray keeps sockets and threads that pytest would take for leaks.
SCRIPT = """
import os
from ray.cluster_utils import Cluster
import ray
from segue.data import prepare
from segue.encodings import get
from segue.errors import DataError

def make():
    options = dict(engine="ray", shard_bytes=2000, workers=2)
    return prepare({folder!r}, {out!r}, get("compound"), **options)

os.environ["RAY_ADDRESS"] = "127.0.0.1:1"
try:
    make()
except DataError as error:
    print("without a cluster:", error)
del os.environ["RAY_ADDRESS"]
node = dict(num_cpus=1, object_store_memory=80 * 2**20)
cluster = Cluster(initialize_head=True, head_node_args=dict(node, include_dashboard=False))
cluster.add_node(**node)
ray.init(address=cluster.address, log_to_driver=False, logging_level="ERROR")
print("nodes:", sum(node["Alive"] for node in ray.nodes()))
try:
    make()
finally:
    ray.shutdown()
    cluster.shutdown()
"""


@needs_ray
def test_two_nodes_make_the_corpus_that_one_process_makes(tmp_path):
    folder = folder_of(tmp_path / "in", 70)
    (folder / "broken.mid").write_bytes(b"not music at all")
    local = prepare(folder, tmp_path / "local", get("compound"), workers=0, shard_bytes=2000)
    script = SCRIPT.format(folder=str(folder), out=str(tmp_path / "ray"))
    ran = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=240, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert "without a cluster: no Ray cluster answers at 127.0.0.1:1" in ran.stdout
    assert "nodes: 2" in ran.stdout
    names = sorted(path.name for path in local.root.iterdir())
    assert len([name for name in names if name.startswith("shard")]) > 3
    assert names == sorted(path.name for path in (tmp_path / "ray").iterdir())
    for name in names:
        one, two = (tmp_path / engine / name for engine in ("ray", "local"))
        assert one.read_bytes() == two.read_bytes(), name


def test_a_node_that_does_not_see_the_folder_says_so(tmp_path):
    job = Job(tmp_path / "elsewhere", PitchOnly(), Filters())
    reader = _Reader(job, 60)
    with reader._crew:
        said = pickle.loads(reader({"paths": ["a.mid"]})["outcomes"])
    assert "does not see" in said
    assert str(tmp_path / "elsewhere") in said


def test_without_ray_the_extra_is_named(tmp_path, monkeypatch):
    known = importlib.util.find_spec
    monkeypatch.setattr(
        "segue.data.ray_engine.importlib.util.find_spec",
        lambda name: None if name == "ray" else known(name),
    )
    folder = folder_of(tmp_path / "in", 2)
    with pytest.raises(MissingExtraError, match=r"segue\[cluster\]"):
        prepare(folder, tmp_path / "out", PitchOnly(), engine="ray")
    with pytest.raises(DataError, match="did you mean 'local'"):
        prepare(folder, tmp_path / "out", PitchOnly(), engine="locale")
