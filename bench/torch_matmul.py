"""Times square matrix products in PyTorch: python3 torch_matmul.py SIZE MODE,MODE; one JSON line a mode."""
import json, sys, time
import torch

size, modes = int(sys.argv[1]), sys.argv[2].split(",")
cuda = torch.cuda.is_available()
sync = torch.cuda.synchronize if cuda else (lambda: None)
types = {"fp16": torch.float16, "bf16": torch.bfloat16}
for mode in modes:
    torch.backends.cuda.matmul.allow_tf32 = mode == "tf32"
    # Random numbers: zeros draw less power, and the clock would be higher than in training.
    a, b = (torch.randn(size, size, device="cuda" if cuda else "cpu").to(types.get(mode, torch.float32)) for _ in "ab")

    def seconds(count):
        sync()
        start = time.perf_counter()
        for _ in range(count):
            a @ b
        sync()
        return (time.perf_counter() - start) / count

    seconds(3)
    count = max(1, min(200, int(0.1 / seconds(1))))
    print(json.dumps(dict(mode=mode, rounds=[seconds(count) for _ in range(5)])), flush=True)
