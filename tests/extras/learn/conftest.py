"""One thread a call of torch, as `engine.learning.saved.use` has it: its own only spin here."""

import torch

torch.set_num_threads(1)
