"""One trainer for teachers and students, with its moving average and checkpoints."""
