"""The memory that a program can have is the least that anything leaves it."""

import pytest

from mtl_keras.datasets import memory

GB = 2**30
V1, V2 = "sys/fs/cgroup/memory", "sys/fs/cgroup"
MACHINE = {"proc/meminfo": f"MemTotal: 99 kB\nMemAvailable:   {16 * GB // 1024} kB\n"}
LIMITS = "Limit                     Soft Limit           Hard Limit           Units\n"
SYSTEMS = {
    "unknown": ({}, float("inf")),
    "a machine": (MACHINE, 16 * GB),
    "a container": (
        {
            **MACHINE,
            "proc/self/cgroup": "0::/\n",
            f"{V2}/memory.max": f"{4 * GB}\n",
            f"{V2}/memory.current": f"{3 * GB}\n",
            f"{V2}/memory.stat": f"anon 7\ninactive_file {2 * GB}\n",
        },
        3 * GB,
    ),
    "a job within a slice": (
        {
            **MACHINE,
            "proc/self/cgroup": "0::/slice/job\n",
            f"{V2}/slice/job/memory.max": "max\n",
            f"{V2}/slice/job/memory.current": f"{GB}\n",
            f"{V2}/slice/memory.max": f"{5 * GB}\n",
            f"{V2}/slice/memory.current": f"{3 * GB}\n",
        },
        2 * GB,
    ),
    "groups of version 1": (
        {
            **MACHINE,
            "proc/self/cgroup": "5:cpu:/x\n4:memory:/docker/7\n0::/\n",
            f"{V1}/memory.limit_in_bytes": f"{2 * GB}\n",  # seen from within: its own
            f"{V1}/memory.usage_in_bytes": f"{GB}\n",
        },
        GB,
    ),
    "no limit of version 1": (
        {
            **MACHINE,
            "proc/self/cgroup": "4:memory:/x\n",
            f"{V1}/x/memory.limit_in_bytes": "9223372036854771712\n",
            f"{V1}/x/memory.usage_in_bytes": f"{GB}\n",
        },
        16 * GB,
    ),
    "ulimit": (
        {
            **MACHINE,
            "proc/self/limits": f"{LIMITS}Max data size             {3 * GB}  unlimited  bytes\n"
            "Max address space         unlimited            unlimited            bytes\n",
            "proc/self/status": f"VmSize:\t 7 kB\nVmData:\t {GB // 1024} kB\n",
        },
        2 * GB,
    ),
}


@pytest.mark.parametrize("files, available", SYSTEMS.values(), ids=SYSTEMS)
def test_the_least_that_is_left_is_found(files, available, tmp_path, monkeypatch):
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    monkeypatch.setattr(memory, "ROOT", tmp_path)
    assert memory.available_memory() == available
